import type { SQSRecord } from 'aws-lambda';
import type { Services } from '../services.ts';

/** Keeps why a message of `functionName` was given up, for `npm run dead-letters`. */
export function keepReason(functionName: string, { keepDeadLetter }: Pick<Services, 'keepDeadLetter'>) {
  return ({ messageId, body }: SQSRecord, reason: string): Promise<void> =>
    keepDeadLetter({ functionName, messageId, reason, body, givenUpAt: new Date().toISOString() });
}
