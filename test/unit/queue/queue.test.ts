import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { maxAttempts } from '../../../functions/manifest.ts';
import { NoAnswer } from '../../../functions/no-answer.ts';
import { eachMessage } from '../../../functions/queue/each-message.ts';
import { readObjectEvents } from '../../../functions/queue/read-object-events.ts';

test('only the messages that fail come again; the reason of the last attempt is kept, and after it none is made', async (t) => {
  t.mock.method(console, 'log', () => {});
  const given: string[] = [];
  const receive = async (receives: number) => {
    const attributes = { ApproximateReceiveCount: String(receives) };
    const messages = ['a', 'bad', 'c'].map((body) => ({ messageId: `id-${body}`, body, attributes }));
    const done: string[] = [];
    const work = async ({ body }: SQSRecord) => {
      if (body === 'bad') throw new Error('no');
      done.push(body);
    };
    const result = await eachMessage({ Records: messages } as SQSEvent, work, async ({ body }, reason) => {
      given.push(body, reason.split('\n')[0]!);
      throw new Error('nor can its reason be kept');
    });
    assert.deepEqual(result, { batchItemFailures: [{ itemIdentifier: 'id-bad' }] });
    assert.deepEqual(done, ['a', 'c']);
  };
  await receive(maxAttempts - 1);
  assert.deepEqual(given, []);
  await receive(maxAttempts);
  assert.deepEqual(given, ['bad', 'Error: no']);

  const attributes = { ApproximateReceiveCount: String(maxAttempts + 1) };
  const event = { Records: [{ messageId: 'id', body: 'deadly', attributes }] } as SQSEvent;
  const told: unknown[] = [];
  const result = await eachMessage(
    event,
    () => assert.fail(),
    async (_message, reason, error) => {
      told.push(reason, error instanceof NoAnswer);
    },
  );
  assert.deepEqual(told, ['the last of 5 attempts ended without an answer, most likely out of memory or time', true]);
  assert.deepEqual(result, { batchItemFailures: [{ itemIdentifier: 'id' }] });
});

test('keys of S3 events are decoded; the test event has none', () => {
  const eventTime = '2026-11-23T12:00:00.000Z';
  const s3 = (key: string) => ({
    eventName: 'ObjectCreated:Put',
    eventTime,
    s3: { bucket: { name: 'b' }, object: { key, versionId: 'v1', sequencer: '0A' } },
  });
  const keys = ['a+b%2Bc%25/%F0%9F%90%88.json', 'plain'];
  assert.deepEqual(readObjectEvents(JSON.stringify({ Records: keys.map(s3) })), [
    { bucket: 'b', key: 'a b+c%/🐈.json', versionId: 'v1', sequencer: '0A', eventTime },
    { bucket: 'b', key: 'plain', versionId: 'v1', sequencer: '0A', eventTime },
  ]);
  assert.deepEqual(readObjectEvents('{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}'), []);
  assert.throws(() => readObjectEvents('not JSON'));
});
