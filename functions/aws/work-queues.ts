import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';

/** Messages of one call: the API's limit. */
const batchSize = 10;
const maxAttempts = 5;

/** Work from functions to functions. `queueUrls`: function → its queue. */
export function createWorkQueues(queueUrls: Readonly<Record<string, string>>) {
  const client = new SQSClient({});

  async function sendBatch(QueueUrl: string, bodies: readonly string[], attempt = 1): Promise<void> {
    const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
    const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    if (Failed.length === 0) return;
    const refused = Failed.find(({ SenderFault }) => SenderFault) ?? (attempt === maxAttempts ? Failed[0] : undefined);
    if (refused) throw new Error(`a message was not sent: ${refused.Code} ${refused.Message ?? ''}`);
    const left = Failed.map(({ Id }) => bodies[Number(Id)]!);
    await sendBatch(QueueUrl, left, attempt + 1);
  }

  return {
    async send(functionName: string, messages: readonly object[]): Promise<void> {
      const url = queueUrls[functionName];
      if (!url) throw new Error(`configuration: WORK_QUEUES has no queue of ${functionName}`);
      const bodies = messages.map((message) => JSON.stringify(message));
      for (let start = 0; start < bodies.length; start += batchSize) {
        await sendBatch(url, bodies.slice(start, start + batchSize));
      }
    },
  };
}
