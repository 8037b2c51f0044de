import type { S3EventRecord, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import {
  type FunctionDefinition,
  type FunctionName,
  functions,
  maxReceiveCount,
  visibilityTimeouts,
} from '../functions/manifest.ts';
import { seededRandom } from '../functions/seeded-random.ts';
import { runMapping } from './sqs/event-source-mapping.ts';
import { deadLettersOf, type QueueDefinition, type SqsStandIn } from './sqs/sqs.ts';

/** Share of object events that come twice, each as a message of its own, where disorder is asked for. */
const doubleShare = 0.3;

export interface Triggers {
  /** An object event of a bucket; wakes the functions of the manifest whose trigger it matches. */
  onObjectEvent(bucket: 'artifacts' | 'data', key: string, record: S3EventRecord): void;
  /** Takes no more messages up, and ends with the invocations that run; what they do not finish comes after the next start. */
  close(): Promise<void>;
}

/** Functions of the manifest that read a queue; the queue is named like its function. */
export const queued = Object.entries<FunctionDefinition>(functions).flatMap(([name, { trigger, timeoutSeconds }]) =>
  trigger.kind === 's3' ? [{ name: name as FunctionName, trigger, timeoutSeconds }] : [],
);

/** The queues that infra makes. */
export const queueDefinitions: Readonly<Record<string, QueueDefinition>> = Object.fromEntries(
  queued.map(({ name, timeoutSeconds }) => [
    name,
    { visibilityTimeoutSeconds: visibilityTimeouts * timeoutSeconds, maxReceiveCount },
  ]),
);

/** URLs of the queues as functions are told them: Function → queue. */
export function queueVariables({ url }: SqsStandIn): { WORK_QUEUES: string; DEAD_LETTER_QUEUES: string } {
  const urls = (queueOf: (name: string) => string) =>
    JSON.stringify(Object.fromEntries(queued.map(({ name }) => [name, `${url}/000000000000/${queueOf(name)}`])));
  return { WORK_QUEUES: urls((name) => name), DEAD_LETTER_QUEUES: urls(deadLettersOf) };
}

/** S3 → queue → function. */
export function startTriggers(options: {
  sqs: SqsStandIn;
  invoke(functionName: string, event: SQSEvent): Promise<SQSBatchResponse>;
  /** Seed; delivers object events twice now and then. */
  disorder?: string;
  retrySeconds?: number;
}): Triggers {
  const { sqs, invoke, retrySeconds = 1 } = options;
  const random = options.disorder === undefined ? () => 1 : seededRandom(`events ${options.disorder}`);
  const closing = new AbortController();
  const running = queued.map(({ name, trigger }) => {
    const queue = sqs.queue(name);
    // Functions that had received a message ended with the platform that ran them.
    queue.release();
    const mapping = { queue, batchSize: 1, maxConcurrency: trigger.maxConcurrency, retrySeconds };
    return runMapping({ ...mapping, invoke: (event) => invoke(name, event) }, closing.signal);
  });
  return {
    onObjectEvent: (bucket, key, record) => {
      for (const { name, trigger } of queued) {
        if (trigger.bucket !== bucket || !key.startsWith(trigger.prefix) || !key.endsWith(trigger.suffix)) continue;
        const copies = random() < doubleShare ? 2 : 1;
        // Before the upload is answered: whoever saw it succeed may rely on what follows.
        for (let copy = 0; copy < copies; copy++) sqs.queue(name).send(JSON.stringify({ Records: [record] }));
      }
    },
    close: async () => {
      closing.abort();
      await Promise.all(running);
    },
  };
}
