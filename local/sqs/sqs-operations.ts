import type { ServerResponse } from 'node:http';
import * as z from 'zod';
import { AwsError } from '../aws-error.ts';
import type { Message, MessageQueue } from './message-queue.ts';

/** What an operation works on. */
export interface SqsContext {
  readonly queues: ReadonlyMap<string, MessageQueue>;
  /** `http://127.0.0.1:<port>` */
  url(): string;
  /** Ends long polls. */
  readonly closing: AbortSignal;
}

/** Takes the request's JSON and gives the answer's. Members that are not supported are refused by name. */
type SqsOperation = (input: unknown, context: SqsContext, response: ServerResponse) => Promise<object> | object;

const queueUrl = z.string();
const entryId = z.string().regex(/^[A-Za-z0-9_-]{1,80}$/);
const delaySeconds = z.int().min(0).max(900).optional();
const visibilityTimeout = z.int().min(0).max(43_200);
const systemAttributes = z.array(z.string()).default([]);

const sendEntry = { MessageBody: z.string(), DelaySeconds: delaySeconds };
const changeEntry = { ReceiptHandle: z.string(), VisibilityTimeout: visibilityTimeout };
const deleteEntry = { ReceiptHandle: z.string() };

/** The members of a batch, 1 to 10 with ids of their own. */
function batch<Entry extends { readonly Id: string }>(entry: z.ZodType<Entry>) {
  return z.strictObject({
    QueueUrl: queueUrl,
    Entries: z
      .array(entry)
      .min(1)
      .max(10)
      .refine((entries) => new Set(entries.map(({ Id }) => Id)).size === entries.length, 'two entries have one Id'),
  });
}

const schemas = {
  SendMessage: z.strictObject({ QueueUrl: queueUrl, ...sendEntry }),
  SendMessageBatch: batch(z.strictObject({ Id: entryId, ...sendEntry })),
  ReceiveMessage: z.strictObject({
    QueueUrl: queueUrl,
    MaxNumberOfMessages: z.int().min(1).max(10).default(1),
    VisibilityTimeout: visibilityTimeout.optional(),
    WaitTimeSeconds: z.int().min(0).max(20).default(0),
    AttributeNames: systemAttributes,
    MessageSystemAttributeNames: systemAttributes,
  }),
  DeleteMessage: z.strictObject({ QueueUrl: queueUrl, ...deleteEntry }),
  DeleteMessageBatch: batch(z.strictObject({ Id: entryId, ...deleteEntry })),
  ChangeMessageVisibility: z.strictObject({ QueueUrl: queueUrl, ...changeEntry }),
  ChangeMessageVisibilityBatch: batch(z.strictObject({ Id: entryId, ...changeEntry })),
  GetQueueAttributes: z.strictObject({ QueueUrl: queueUrl, AttributeNames: systemAttributes }),
  GetQueueUrl: z.strictObject({ QueueName: z.string() }),
  ListQueues: z.strictObject({ QueueNamePrefix: z.string().default('') }),
  StartMessageMoveTask: z.strictObject({ SourceArn: z.string(), DestinationArn: z.string().optional() }),
};

/** Source: Amazon SQS API reference, version 2012-11-05, AWS JSON protocol 1.0. */
export const sqsOperations: Readonly<Record<keyof typeof schemas, SqsOperation>> = {
  SendMessage(input, context) {
    const { QueueUrl, MessageBody, DelaySeconds } = parse(schemas.SendMessage, input);
    return sent(findQueue(context, QueueUrl).send(MessageBody, DelaySeconds));
  },
  SendMessageBatch(input, context) {
    const { QueueUrl, Entries } = parse(schemas.SendMessageBatch, input);
    const queue = findQueue(context, QueueUrl);
    return eachEntry(Entries, ({ MessageBody, DelaySeconds }) => sent(queue.send(MessageBody, DelaySeconds)));
  },
  async ReceiveMessage(input, context, response) {
    const request = parse(schemas.ReceiveMessage, input);
    const queue = findQueue(context, request.QueueUrl);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, context.closing]);
    const until = Date.now() + request.WaitTimeSeconds * 1000;
    for (;;) {
      // Whoever has left gets nothing: it would stay hidden for the whole visibility time-out.
      const messages = signal.aborted ? [] : queue.receive(request.MaxNumberOfMessages, request.VisibilityTimeout);
      if (messages.length > 0) {
        const wanted = new Set([...request.AttributeNames, ...request.MessageSystemAttributeNames]);
        return { Messages: messages.map((message) => received(message, wanted)) };
      }
      if (Date.now() >= until || signal.aborted) return {};
      await queue.wait(until, signal);
    }
  },
  DeleteMessage(input, context) {
    const { QueueUrl, ReceiptHandle } = parse(schemas.DeleteMessage, input);
    findQueue(context, QueueUrl).delete(ReceiptHandle);
    return {};
  },
  DeleteMessageBatch(input, context) {
    const { QueueUrl, Entries } = parse(schemas.DeleteMessageBatch, input);
    const queue = findQueue(context, QueueUrl);
    return eachEntry(Entries, ({ ReceiptHandle }) => queue.delete(ReceiptHandle));
  },
  ChangeMessageVisibility(input, context) {
    const { QueueUrl, ReceiptHandle, VisibilityTimeout } = parse(schemas.ChangeMessageVisibility, input);
    findQueue(context, QueueUrl).changeVisibility(ReceiptHandle, VisibilityTimeout);
    return {};
  },
  ChangeMessageVisibilityBatch(input, context) {
    const { QueueUrl, Entries } = parse(schemas.ChangeMessageVisibilityBatch, input);
    const queue = findQueue(context, QueueUrl);
    return eachEntry(Entries, (entry) => queue.changeVisibility(entry.ReceiptHandle, entry.VisibilityTimeout));
  },
  GetQueueAttributes(input, context) {
    const { QueueUrl, AttributeNames } = parse(schemas.GetQueueAttributes, input);
    return { Attributes: pick(queueAttributes(findQueue(context, QueueUrl)), new Set(AttributeNames)) };
  },
  GetQueueUrl(input, context) {
    const { QueueName } = parse(schemas.GetQueueUrl, input);
    return { QueueUrl: `${context.url()}/000000000000/${findQueue(context, QueueName).name}` };
  },
  ListQueues(input, context) {
    const { QueueNamePrefix } = parse(schemas.ListQueues, input);
    const names = [...context.queues.keys()].filter((name) => name.startsWith(QueueNamePrefix)).sort();
    return { QueueUrls: names.map((name) => `${context.url()}/000000000000/${name}`) };
  },
  StartMessageMoveTask(input, context) {
    const { SourceArn, DestinationArn } = parse(schemas.StartMessageMoveTask, input);
    const byArn = (arn: string) => [...context.queues.values()].find((queue) => queue.arn === arn);
    const source = byArn(SourceArn);
    const target = DestinationArn === undefined ? undefined : byArn(DestinationArn);
    if (!source || (DestinationArn !== undefined && !target)) {
      throw new AwsError(
        404,
        'ResourceNotFoundException',
        'The resource that you specified for SourceArn or DestinationArn does not exist.',
      );
    }
    source.moveMessages(byArn, target);
    return { TaskHandle: Buffer.from(SourceArn).toString('base64') };
  },
};

function sent({ id, md5 }: Message) {
  return { MessageId: id, MD5OfMessageBody: md5 };
}

function received(message: Message, wanted: ReadonlySet<string>) {
  return {
    MessageId: message.id,
    ReceiptHandle: message.handle,
    Body: message.body,
    MD5OfBody: message.md5,
    ...(wanted.size > 0 && { Attributes: pick(messageAttributes(message), wanted) }),
  };
}

/** The system attributes of a message, as a function sees them too. */
export function messageAttributes({ receives, sentAt, firstReceivedAt, deadLetterSource }: Message) {
  return {
    ApproximateReceiveCount: String(receives),
    SentTimestamp: String(sentAt),
    SenderId: 'AIDALOCAL',
    ApproximateFirstReceiveTimestamp: String(firstReceivedAt),
    ...(deadLetterSource && { DeadLetterQueueSourceArn: deadLetterSource }),
  };
}

function queueAttributes(queue: MessageQueue): Record<string, string> {
  const { visible, inFlight, delayed } = queue.counts();
  const { redrive } = queue;
  const policy = redrive && {
    deadLetterTargetArn: redrive.deadLetters.arn,
    maxReceiveCount: redrive.maxReceiveCount,
  };
  return {
    QueueArn: queue.arn,
    VisibilityTimeout: String(queue.visibilityTimeoutSeconds),
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    ...(policy && { RedrivePolicy: JSON.stringify(policy) }),
  };
}

function pick(values: Record<string, string>, wanted: ReadonlySet<string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => wanted.has('All') || wanted.has(name)));
}

/** Each entry succeeds or fails by itself. */
function eachEntry<Entry extends { Id: string }>(entries: readonly Entry[], work: (entry: Entry) => unknown) {
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const entry of entries) {
    try {
      Successful.push(Object.assign({ Id: entry.Id }, work(entry)));
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      Failed.push({ Id: entry.Id, SenderFault: true, Code: error.code, Message: error.message });
    }
  }
  return { Successful, Failed };
}

/** By URL or by name. */
function findQueue({ queues }: SqsContext, urlOrName: string): MessageQueue {
  const queue = queues.get(urlOrName.split('/').at(-1)!);
  if (queue) return queue;
  throw new AwsError(400, 'QueueDoesNotExist', 'The specified queue does not exist.');
}

function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new AwsError(400, 'InvalidParameterValue', z.prettifyError(parsed.error));
}
