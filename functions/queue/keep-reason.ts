import type { SQSRecord } from 'aws-lambda';
import { NoAnswer } from '../no-answer.ts';
import type { Services } from '../services.ts';

/** Keeps why a message of `functionName` was given up, for `npm run dead-letters`. Where a reason is known NoAnswer is no news. */
export function keepReason(functionName: string, { keepDeadLetter }: Pick<Services, 'keepDeadLetter'>) {
  return async ({ messageId, body }: SQSRecord, reason: string, error: unknown): Promise<void> => {
    const letter = { functionName, messageId, reason, body, givenUpAt: new Date().toISOString() };
    await keepDeadLetter(letter, { replace: !(error instanceof NoAnswer) });
  };
}
