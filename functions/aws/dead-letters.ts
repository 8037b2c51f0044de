import { GetQueueAttributesCommand, SQSClient, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { DeadLetter } from '../services.ts';
import { itemKeys } from '../storage/object-keys.ts';
import type { Table } from './table.ts';

/** As long as SQS keeps a dead letter. */
const keptDays = 14;

const deadLetterSchema = z.object({
  functionName: z.string(),
  messageId: z.string(),
  reason: z.string(),
  body: z.string(),
  givenUpAt: z.iso.datetime(),
}) satisfies z.ZodType<DeadLetter>;

/** Why messages became dead letters, in the table, and their way back. `queueUrls`: function → its dead-letter queue. */
export function createDeadLetters(table: Table, queueUrls: Readonly<Record<string, string>>) {
  const client = new SQSClient({});

  async function countMessages(functionName: string) {
    const QueueUrl = queueUrls[functionName];
    if (!QueueUrl) {
      const known = Object.keys(queueUrls).join(', ') || 'none is configured';
      throw new ServiceError('invalid_request', `'${functionName}' has no dead-letter queue; these have: ${known}`);
    }
    const AttributeNames = ['QueueArn' as const, 'ApproximateNumberOfMessages' as const];
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
    return { arn: Attributes!.QueueArn!, count: Number(Attributes!.ApproximateNumberOfMessages) };
  }

  async function readReasons(functionName: string): Promise<DeadLetter[]> {
    return (await table.query(itemKeys.deadLetters(functionName))).map((item) => deadLetterSchema.parse(item));
  }

  return {
    async keep(letter: DeadLetter, { replace }: { readonly replace: boolean }): Promise<void> {
      const key = itemKeys.deadLetter(letter.functionName, letter.messageId);
      const expiresAt = Math.ceil(Date.parse(letter.givenUpAt) / 1000) + keptDays * 86_400;
      const { messageId } = letter;
      const attribute = 'messageId';
      await table.putIf({ ...key, ...letter, expiresAt }, { attribute, ...(replace && { equals: messageId }) });
    },

    async list(): Promise<{ functionName: string; count: number; letters: DeadLetter[] }[]> {
      return await Promise.all(
        Object.keys(queueUrls).map(async (functionName) => {
          const [{ count }, letters] = await Promise.all([countMessages(functionName), readReasons(functionName)]);
          return { functionName, count, letters };
        }),
      );
    },

    async redrive(functionName: string): Promise<number> {
      const { arn, count } = await countMessages(functionName);
      // Before they move: one that fails again must not lose its new reason.
      for (const { messageId } of await readReasons(functionName)) {
        await table.remove(itemKeys.deadLetter(functionName, messageId));
      }
      if (count > 0) await client.send(new StartMessageMoveTaskCommand({ SourceArn: arn }));
      return count;
    },
  };
}
