import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { AwsError } from '../aws-error.ts';
import type { Message, MessageQueue } from './message-queue.ts';
import { messageAttributes } from './sqs-operations.ts';

export interface EventSourceMapping {
  readonly queue: MessageQueue;
  readonly batchSize: number;
  /** Invocations at once. */
  readonly maxConcurrency: number;
  /**
   * Until what failed comes again, doubled each time. On AWS it waits for the visibility time-out, too long for a person
   * who looks on.
   */
  readonly retrySeconds: number;
  invoke(event: SQSEvent): Promise<SQSBatchResponse>;
}

/**
 * Queue → function with ReportBatchItemFailures: what is not reported is deleted, what is reported comes again, and so does
 * all of a batch whose function failed. Ends when `signal` is aborted and the invocations that run have ended.
 * Source: AWS, "Using Lambda with Amazon SQS".
 */
export async function runMapping(mapping: EventSourceMapping, signal: AbortSignal): Promise<void> {
  const poll = async () => {
    while (!signal.aborted) {
      const messages = mapping.queue.receive(mapping.batchSize);
      if (messages.length === 0) await mapping.queue.wait(Number.POSITIVE_INFINITY, signal);
      else await deliver(mapping, messages, signal);
    }
  };
  await Promise.all(Array.from({ length: mapping.maxConcurrency }, poll));
}

async function deliver(mapping: EventSourceMapping, messages: Message[], signal: AbortSignal): Promise<void> {
  const { queue, retrySeconds } = mapping;
  const failed = await mapping
    .invoke({ Records: messages.map((message) => toRecord(message, queue.arn)) })
    .then((response) => readFailures(response, messages))
    .catch(() => new Set(messages.map(({ id }) => id)));
  // What runs while the platform ends is killed; it comes again after the next start.
  if (signal.aborted && failed.size > 0) return;
  for (const { id, handle, receives } of messages) {
    if (failed.has(id)) hide(queue, handle!, retrySeconds * 2 ** (receives - 1));
    else queue.delete(handle!);
  }
}

/** An id that is not of this batch means that all of it failed. */
function readFailures(response: SQSBatchResponse | null, messages: readonly Message[]): Set<string> {
  const failed = new Set(response?.batchItemFailures?.map(({ itemIdentifier }) => itemIdentifier));
  const ids = messages.map(({ id }) => id);
  return [...failed].every((id) => ids.includes(id)) ? failed : new Set(ids);
}

function hide(queue: MessageQueue, handle: string, seconds: number): void {
  try {
    queue.changeVisibility(handle, seconds);
  } catch (error) {
    // It has been received again in the meantime: that receive decides.
    if (!(error instanceof AwsError)) throw error;
  }
}

function toRecord(message: Message, eventSourceARN: string): SQSEvent['Records'][number] {
  return {
    messageId: message.id,
    receiptHandle: message.handle!,
    body: message.body,
    attributes: messageAttributes(message),
    messageAttributes: {},
    md5OfBody: message.md5,
    eventSource: 'aws:sqs',
    eventSourceARN,
    awsRegion: 'us-east-1',
  };
}
