import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { maxReceiveCount } from '../../../functions/manifest.ts';
import { eachMessage } from '../../../functions/queue/each-message.ts';
import { readObjectEvents } from '../../../functions/queue/read-object-events.ts';
import { runMapping } from '../../../local/sqs/event-source-mapping.ts';
import { deadLettersOf, startSqs } from '../../../local/sqs/sqs.ts';
import { createWorld } from './inbox-world.ts';

const name = 'predict-inbox';
const messages = 1000;

test('of a thousand messages with ten poisoned ones 990 are answered, ten set aside, and those that are mended complete', async (t) => {
  t.mock.method(console, 'log', () => {});
  const directory = await mkdtemp(join(tmpdir(), 'lambent-poison-'));
  const queues = { [name]: { visibilityTimeoutSeconds: 60, maxReceiveCount } };
  const sqs = await startSqs({ directory, queues, disorder: '5' });
  const [queue, deadLetters] = [sqs.queue(name), sqs.queue(deadLettersOf(name))];
  const world = createWorld();
  /** Files for which the model host, or the bucket, has no answer as yet. */
  const broken = new Set(['inbox/m/100', 'inbox/m/200', 'inbox/m/300', 'inbox/m/400']);

  const record = (index: number) => {
    const { key, versionId, sequencer } = world.upload(`inbox/m/${index}`, Buffer.from(`good ${index}`));
    const object = { key, versionId, sequencer };
    return { eventName: 'ObjectCreated:Put', eventTime: '2026-11-23T12:00:00Z', s3: { bucket: { name: 'b' }, object } };
  };
  const poisons: Record<number, unknown> = {
    50: 'no JSON',
    150: null,
    250: { Records: 'a list' },
    350: { Records: [{ eventName: 'ObjectCreated:Put' }] },
    450: { Records: [{ ...record(450), eventTime: 'yesterday' }] },
    550: { Records: [{ ...record(550), s3: { bucket: { name: 'b' }, object: { key: 'inbox/m/%' } } }] },
  };
  for (let index = 0; index < messages; index++) {
    const body = index in poisons ? poisons[index] : { Records: [record(index)] };
    queue.send(typeof body === 'string' ? body : JSON.stringify(body));
  }

  const reasons = new Map<string, string>();
  const invoke = (event: SQSEvent) => {
    const work = async ({ body, messageId }: SQSRecord) => {
      for (const { bucket: _bucket, eventTime: _time, ...upload } of readObjectEvents(body)) {
        const call = async () => {
          if (broken.has(upload.key)) throw new Error('no answer');
        };
        await world.answer(upload, messageId, call, Date.now() + 1e9);
      }
    };
    return eachMessage(event, work, async ({ messageId }, reason) => void reasons.set(messageId, reason));
  };
  const closing = new AbortController();
  const running = runMapping({ queue, batchSize: 10, maxConcurrency: 3, retrySeconds: 0, invoke }, closing.signal);
  const idle = async () => {
    while (Object.values(queue.counts()).some((count) => count > 0)) await new Promise((next) => setTimeout(next, 5));
  };
  const answered = () => [...world.objects.keys()].filter((key) => key.startsWith('outbox/')).length;

  await idle();
  assert.deepEqual([answered(), deadLetters.counts().visible], [990, 10]);
  assert.equal(reasons.size, 10);
  broken.clear();
  assert.equal(
    deadLetters.moveMessages((arn) => (arn === queue.arn ? queue : undefined)),
    10,
  );
  await idle();
  assert.deepEqual([answered(), deadLetters.counts().visible], [994, 6]);

  closing.abort();
  await running;
  await sqs.close();
  await rm(directory, { recursive: true });
});
