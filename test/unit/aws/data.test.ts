import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readConfig } from '../../../functions/config.ts';
import { createServices } from '../../../functions/create-services.ts';
import type { Services } from '../../../functions/services.ts';
import { localEnvironment, resources } from '../../../local/environment.ts';
import { startS3 } from '../../../local/s3/s3.ts';
import { startSqs } from '../../../local/sqs/sqs.ts';
import { queueDefinitions, queueVariables } from '../../../local/triggers.ts';

let state: string;
let s3: Awaited<ReturnType<typeof startS3>>;
let sqs: Awaited<ReturnType<typeof startSqs>>;
let services: Services;

before(async () => {
  state = await mkdtemp(join(tmpdir(), 'lambent-data-'));
  s3 = await startS3({ directory: join(state, 's3'), buckets: [resources.DATA_BUCKET] });
  sqs = await startSqs({ directory: join(state, 'sqs'), queues: queueDefinitions });
  Object.assign(process.env, localEnvironment({ S3: s3.url, SQS: sqs.url }), queueVariables(sqs));
  services = createServices(readConfig(process.env));
});
after(async () => {
  await Promise.all([s3.close(), sqs.close()]);
  await rm(state, { recursive: true });
});

async function* chunksOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function collect(chunks: AsyncIterable<Buffer> | undefined): Promise<Buffer | undefined> {
  return chunks && Buffer.concat(await Array.fromAsync(chunks));
}

test('a stream becomes an object in parts, once, and is read back whole or from byte to byte', async () => {
  const bytes = Buffer.alloc(20 * 2 ** 20, 'abcdefg');
  const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 17 * 2 ** 20), bytes.subarray(17 * 2 ** 20)];
  const contentType = 'application/x-tar';
  assert.equal(await services.writeDataStream('large', chunksOf(...pieces), { contentType }), true);
  assert.equal(await services.writeDataStream('large', chunksOf(Buffer.from('other')), {}), false);

  const found = await services.findData('large');
  assert.equal(found?.contentType, contentType);
  assert.ok((await collect(await services.streamData('large')))?.equals(bytes));
  const part = { start: 8_388_600, end: 8_388_620, etag: found!.etag };
  assert.deepEqual(await collect(await services.streamData('large', part)), bytes.subarray(part.start, part.end));
  assert.equal(await services.streamData('missing'), undefined);
});

test('an empty stream is an empty object', async () => {
  assert.equal(await services.writeDataStream('empty', chunksOf(), {}), true);
  assert.deepEqual(await services.readData('empty'), Buffer.alloc(0));
});

test('a stream that breaks off leaves nothing behind', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(9 * 2 ** 20);
    throw new Error('the source is gone');
  }
  await assert.rejects(services.writeDataStream('broken', broken(), {}), /the source is gone/);
  assert.equal(await services.findData('broken'), undefined);
  const uploads = await (await fetch(`${s3.url}/${resources.DATA_BUCKET}?uploads`)).text();
  assert.doesNotMatch(uploads, /<Upload>/);
});

test('what was replaced while it is read is a conflict, not a mixture', async () => {
  await services.writeData('changing', Buffer.from('one'), {});
  const { etag } = (await services.findData('changing'))!;
  assert.equal(await services.writeData('changing', Buffer.from('two'), { replaces: etag }), true);
  await assert.rejects(services.streamData('changing', { etag }), { code: 'conflict' });
});

test('a prefix is listed to its end, in order', async () => {
  const keys = Array.from({ length: 1100 }, (_, index) => `many/${String(index).padStart(5, '0')}`);
  await Promise.all(keys.map((key) => services.writeData(key, Buffer.from(key), {})));
  const listed = await Array.fromAsync(services.listData('many/'));
  assert.deepEqual(
    listed.map(({ key }) => key),
    keys,
  );
  assert.equal(listed[0]?.size, 10);
});

test('work is sent to the queue of the function that does it', async () => {
  const messages = Array.from({ length: 23 }, (_, number) => ({ number }));
  await services.sendWork('predict-inbox', messages);
  const received = sqs.queue('predict-inbox').receive(100);
  assert.deepEqual(new Set(received.map(({ body }) => body)), new Set(messages.map((one) => JSON.stringify(one))));
  await assert.rejects(services.sendWork('api', [{}]), /WORK_QUEUES has no queue of api/);
});
