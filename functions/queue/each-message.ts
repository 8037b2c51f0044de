import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { describeError, log } from '../log.ts';
import { maxAttempts } from '../manifest.ts';
import { NoAnswer } from '../no-answer.ts';

/**
 * Handles each message of a batch by itself: those that throw, and only those, come again. `giveUp` gets those whose last
 * attempt has failed, and with NoAnswer all that have no attempt left: whether the last one ended without an answer, or
 * was given up, the state of its work says.
 * Source: AWS, "Handling errors for an SQS event source in Lambda", ReportBatchItemFailures.
 */
export async function eachMessage(
  event: SQSEvent,
  work: (message: SQSRecord) => Promise<void>,
  giveUp: (message: SQSRecord, reason: string, error: unknown) => Promise<void>,
): Promise<SQSBatchResponse> {
  const attempt = async (message: SQSRecord) => {
    if (countAttempts(message) > maxAttempts) throw new NoAnswer();
    await work(message);
  };
  const outcomes = await Promise.allSettled(event.Records.map(attempt));
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') continue;
    const message = event.Records[index]!;
    const unanswered = outcome.reason instanceof NoAnswer;
    const reason = unanswered ? outcome.reason.message : describeError(outcome.reason);
    const last = isLastAttempt(message);
    if (unanswered) log('info', 'a message has no attempt left');
    else
      log('error', last ? 'a message failed and is given up' : 'a message failed and comes again', { error: reason });
    // The dead-letter queue has the message all the same; only its reason would be missing.
    if (last)
      await giveUp(message, reason, outcome.reason).catch((error) =>
        log('error', 'a reason is lost', { error: describeError(error) }),
      );
    batchItemFailures.push({ itemIdentifier: message.messageId });
  }
  return { batchItemFailures };
}

/** What fails now is given up. */
export function isLastAttempt(message: SQSRecord): boolean {
  return countAttempts(message) >= maxAttempts;
}

function countAttempts({ attributes }: SQSRecord): number {
  return Number(attributes.ApproximateReceiveCount);
}
