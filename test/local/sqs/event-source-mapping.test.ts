import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { runMapping } from '../../../local/sqs/event-source-mapping.ts';
import { startSqs } from '../../../local/sqs/sqs.ts';

const root = await mkdtemp(join(tmpdir(), 'lambent-mapping-'));
after(() => rm(root, { recursive: true }));

/** A queue whose messages `work` gets until `done` says that all are as they shall be. */
async function run(
  t: TestContext,
  options: { bodies: string[]; batchSize: number; maxConcurrency: number; disorder?: string },
  work: (event: SQSEvent) => Promise<SQSBatchResponse>,
) {
  const { bodies, disorder, ...limits } = options;
  const definition = { visibilityTimeoutSeconds: 60, maxReceiveCount: 3 };
  const directory = await mkdtemp(join(root, 'queue-'));
  const sqs = await startSqs({ directory, queues: { work: definition }, ...(disorder && { disorder }) });
  const queue = sqs.queue('work');
  for (const body of bodies) queue.send(body);
  const closing = new AbortController();
  t.after(async () => {
    closing.abort();
    await running;
    await sqs.close();
  });
  const running = runMapping({ queue, ...limits, retrySeconds: 0, invoke: work }, closing.signal);
  const empty = () => Object.values(queue.counts()).every((count) => count === 0);
  while (!empty()) await new Promise((resolve) => setTimeout(resolve, 5));
  return {
    deadLetters: sqs
      .queue('work-dead-letters')
      .receive(100)
      .map(({ body }) => body),
  };
}

test('of a batch only what is reported comes again, up to the limit', async (t) => {
  const seen: string[] = [];
  const { deadLetters } = await run(
    t,
    { bodies: ['a', 'poison', 'c'], batchSize: 3, maxConcurrency: 1 },
    async (event) => {
      seen.push(...event.Records.map(({ body }) => body));
      const bad = event.Records.filter(({ body }) => body === 'poison');
      return { batchItemFailures: bad.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    },
  );
  assert.deepEqual(seen, ['a', 'poison', 'c', 'poison', 'poison']);
  assert.deepEqual(deadLetters, ['poison']);
});

test('a function that throws, and one that reports what it was not given, fail their whole batch', async (t) => {
  const answers = [() => Promise.reject(new Error('no')), () => ({ batchItemFailures: [{ itemIdentifier: 'other' }] })];
  const batches: string[] = [];
  await run(t, { bodies: ['a', 'b'], batchSize: 2, maxConcurrency: 1 }, async (event) => {
    batches.push(event.Records.map(({ body }) => body).join(''));
    return (await answers.shift()?.()) ?? { batchItemFailures: [] };
  });
  assert.deepEqual(batches, ['ab', 'ab', 'ab']);
});

test('no more invocations run at once than the limit, and all of them may', async (t) => {
  let [now, most] = [0, 0];
  await run(t, { bodies: [...'abcdefghi'], batchSize: 1, maxConcurrency: 3 }, async () => {
    now += 1;
    most = Math.max(most, now);
    await new Promise(setImmediate);
    now -= 1;
    return { batchItemFailures: [] };
  });
  assert.equal(most, 3);
});

test('in disorder every message is handled at least once and none becomes a dead letter', async (t) => {
  const bodies = Array.from({ length: 60 }, (_, index) => String(index));
  const seen = new Map<string, number>();
  const { deadLetters } = await run(t, { bodies, batchSize: 4, maxConcurrency: 2, disorder: '7' }, async (event) => {
    for (const { body } of event.Records) seen.set(body, (seen.get(body) ?? 0) + 1);
    return { batchItemFailures: [] };
  });
  assert.equal(seen.size, bodies.length);
  assert.deepEqual(deadLetters, []);
});
