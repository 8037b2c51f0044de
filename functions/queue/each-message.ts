import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { describeError, log } from '../log.ts';
import { maxReceiveCount } from '../manifest.ts';

/**
 * Handles each message of a batch by itself: those that throw, and only those, come again. `giveUp` gets those that come
 * no further time.
 * Source: AWS, "Handling errors for an SQS event source in Lambda", ReportBatchItemFailures.
 */
export async function eachMessage(
  event: SQSEvent,
  work: (message: SQSRecord) => Promise<void>,
  giveUp: (message: SQSRecord, reason: string, error: unknown) => Promise<void>,
): Promise<SQSBatchResponse> {
  const outcomes = await Promise.allSettled(event.Records.map(work));
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') continue;
    const message = event.Records[index]!;
    const reason = describeError(outcome.reason);
    const last = Number(message.attributes.ApproximateReceiveCount) >= maxReceiveCount;
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
