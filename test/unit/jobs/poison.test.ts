import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { type ErrorCode, ServiceError } from '../../../functions/errors.ts';
import { maxReceiveCount } from '../../../functions/manifest.ts';
import { eachMessage } from '../../../functions/queue/each-message.ts';
import { readObjectEvents } from '../../../functions/queue/read-object-events.ts';
import { runMapping } from '../../../local/sqs/event-source-mapping.ts';
import { deadLettersOf, startSqs } from '../../../local/sqs/sqs.ts';
import { type Broken, createWorld } from './inbox-world.ts';

const name = 'predict-inbox';
const messages = 1000;

/** The inbox's queue, read as it is on AWS; effects fail for the uploads that `brokenFor` has something for. */
async function startQueue(t: TestContext, brokenFor: (key: string) => Broken | undefined) {
  t.mock.method(console, 'log', () => {});
  const directory = await mkdtemp(join(tmpdir(), 'lambent-poison-'));
  const queues = { [name]: { visibilityTimeoutSeconds: 60, maxReceiveCount } };
  const sqs = await startSqs({ directory, queues, disorder: '5' });
  const [queue, deadLetters] = [sqs.queue(name), sqs.queue(deadLettersOf(name))];
  const world = createWorld();
  const reasons = new Map<string, string>();
  const invoke = (event: SQSEvent) => {
    const work = async ({ body, messageId }: SQSRecord) => {
      for (const { bucket: _bucket, eventTime: _time, ...upload } of readObjectEvents(body)) {
        await world.answer(upload, messageId, async () => {}, Date.now() + 1e9, brokenFor(upload.key));
      }
    };
    return eachMessage(event, work, async ({ messageId }, reason) => {
      if (!reasons.has(messageId)) reasons.set(messageId, reason);
    });
  };
  const closing = new AbortController();
  const running = runMapping({ queue, batchSize: 10, maxConcurrency: 3, retrySeconds: 0, invoke }, closing.signal);
  t.after(async () => {
    closing.abort();
    await running;
    await sqs.close();
    await rm(directory, { recursive: true });
  });
  return {
    reasons,
    send: (body: unknown) => queue.send(typeof body === 'string' ? body : JSON.stringify(body)),
    /** The record of an upload in an event of S3. */
    upload(key: string) {
      const object = world.upload(key, Buffer.from(`good ${key}`));
      return {
        eventName: 'ObjectCreated:Put',
        eventTime: '2026-11-23T12:00:00Z',
        s3: { bucket: { name: 'b' }, object },
      };
    },
    async idle() {
      while (Object.values(queue.counts()).some((count) => count > 0)) await new Promise((next) => setTimeout(next, 5));
    },
    answered: () => [...world.objects.keys()].filter((key) => key.startsWith('outbox/')).length,
    dead: () => deadLetters.counts().visible,
    redrive: () => deadLetters.moveMessages((arn) => (arn === queue.arn ? queue : undefined)),
  };
}

const fails = (error: Error) => async (): Promise<never> => {
  throw error;
};
const host = (code: ErrorCode) => ({ infer: fails(new ServiceError(code, `the host says ${code}`)) });

/** What keeps a file from being answered, however often it is tried, until somebody mends it. */
const kinds: Broken[] = [
  host('host_unavailable'),
  host('throttled'),
  host('model_not_ready'),
  host('deadline_exceeded'),
  { readData: fails(new Error('S3 refuses the read')) },
  { writeData: fails(new Error('S3 refuses the write')) },
  { claim: fails(new Error('the table does not answer')) },
  { findModel: fails(new TypeError('what nobody foresaw')) },
];

test('of a thousand messages with ten that fail in eight ways 990 are answered and ten set aside; mended and redriven, all are', async (t) => {
  const poisoned = new Map(
    Array.from({ length: 10 }, (_, index) => [`inbox/m/${100 * index + 50}`, kinds[index % kinds.length]!]),
  );
  const queue = await startQueue(t, (key) => poisoned.get(key));
  for (let index = 0; index < messages; index++) queue.send({ Records: [queue.upload(`inbox/m/${index}`)] });
  await queue.idle();
  assert.deepEqual([queue.answered(), queue.dead()], [990, 10]);
  const told = new Set([...queue.reasons.values()].map((reason) => reason.split('\n')[0]));
  assert.equal(told.size, kinds.length);

  poisoned.clear();
  assert.equal(queue.redrive(), 10);
  await queue.idle();
  assert.deepEqual([queue.answered(), queue.dead()], [1000, 0]);
});

test('messages that no function can read are set aside with the reason, and the others are answered', async (t) => {
  const queue = await startQueue(t, () => undefined);
  const good = queue.upload('inbox/m/good');
  const bodies = [
    'no JSON',
    null,
    { Records: 'a list' },
    { Records: [{ eventName: 'ObjectCreated:Put' }] },
    { Records: [{ ...good, eventTime: 'yesterday' }] },
    { Records: [{ ...good, s3: { bucket: { name: 'b' }, object: { key: 'inbox/m/%' } } }] },
  ];
  for (const body of [...bodies, { Records: [good] }]) queue.send(body);
  await queue.idle();
  assert.deepEqual([queue.answered(), queue.dead(), queue.reasons.size], [1, bodies.length, bodies.length]);
  queue.redrive();
  await queue.idle();
  assert.equal(queue.dead(), bodies.length);
});
