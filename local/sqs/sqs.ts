import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../functions/seeded-random.ts';
import { AwsError, notImplemented } from '../aws-error.ts';
import { readBody, type StandIn, sendJson, startStandIn } from '../stand-in-server.ts';
import { type MessageQueue, openMessageQueue } from './message-queue.ts';
import { type SqsContext, sqsOperations } from './sqs-operations.ts';

/** Ten messages of 1 MiB whose every byte is escaped would be more; AWS takes 1 MiB in all. */
const maxBodyBytes = 8_388_608;

export interface QueueDefinition {
  readonly visibilityTimeoutSeconds: number;
  /** After so many receives a message goes to `<name>-dead-letters`. */
  readonly maxReceiveCount: number;
}

export interface SqsStandIn extends StandIn {
  /** Throws where no queue has this name. */
  queue(name: string): MessageQueue;
}

/** The name of the queue that takes what `name` gives up. */
export function deadLettersOf(name: string): string {
  return `${name}-dead-letters`;
}

/**
 * SQS on 127.0.0.1, standard queues, each with a dead-letter queue; messages are kept under `directory`. With a seed
 * `disorder` delivers some twice, some late, and all in any order, as AWS may. Message attributes and FIFO queues are not
 * supported and refused.
 */
export async function startSqs(options: {
  readonly directory: string;
  readonly queues: Readonly<Record<string, QueueDefinition>>;
  readonly disorder?: string;
  readonly port?: number;
}): Promise<SqsStandIn> {
  mkdirSync(options.directory, { recursive: true });
  const queues = openQueues(options);
  const closing = new AbortController();
  const context: SqsContext = { queues, url: () => standIn.url, closing: closing.signal };
  const standIn = await startStandIn({
    ...(options.port !== undefined && { port: options.port }),
    operation: ({ headers }) => String(headers['x-amz-target']).split('.')[1] ?? 'a request without X-Amz-Target',
    async handle(request, response, operation) {
      if (!Object.hasOwn(sqsOperations, operation)) throw notImplemented(operation);
      const input = parseJson(String(await readBody(request, maxBodyBytes)));
      const answer = await sqsOperations[operation as keyof typeof sqsOperations](input, context, response);
      sendJson(response, 200, answer, { 'content-type': 'application/x-amz-json-1.0' });
    },
  });
  const close = async () => {
    closing.abort();
    await standIn.close();
    for (const queue of queues.values()) queue.close();
  };
  return { ...standIn, close, queue: (name) => queues.get(name) ?? fail(name) };
}

function openQueues(options: Parameters<typeof startSqs>[0]): Map<string, MessageQueue> {
  const queues = new Map<string, MessageQueue>();
  const disorder = options.disorder === undefined ? undefined : seededRandom(options.disorder);
  const open = (name: string, more: Omit<Parameters<typeof openMessageQueue>[0], 'name' | 'file'>) => {
    const queue = openMessageQueue({ name, file: join(options.directory, `${name}.jsonl`), ...more });
    queues.set(name, queue);
    return queue;
  };
  for (const [name, { visibilityTimeoutSeconds, maxReceiveCount }] of Object.entries(options.queues)) {
    const deadLetters = open(deadLettersOf(name), { visibilityTimeoutSeconds: 30 });
    const redrive = { deadLetters, maxReceiveCount };
    open(name, { visibilityTimeoutSeconds, redrive, ...(disorder && { disorder }) });
  }
  return queues;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsError(400, 'SerializationException', 'the body is not JSON');
  }
}

function fail(name: string): never {
  throw new Error(`there is no queue ${name}`);
}
