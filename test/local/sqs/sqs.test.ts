import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { startSqs } from '../../../local/sqs/sqs.ts';

const root = await mkdtemp(join(tmpdir(), 'lambent-sqs-'));
after(() => rm(root, { recursive: true }));

const queues = { work: { visibilityTimeoutSeconds: 30, maxReceiveCount: 2 } };

async function start(t: TestContext, options: { directory?: string; disorder?: string } = {}) {
  const directory = options.directory ?? (await mkdtemp(join(root, 'queues-')));
  const sqs = await startSqs({ queues, ...options, directory });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new SQSClient({ endpoint: sqs.url, region: 'us-east-1', credentials, maxAttempts: 1 });
  const urlOf = async (QueueName: string) => (await client.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl!;
  const QueueUrl = await urlOf('work');
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    client.destroy();
    await sqs.close();
  };
  t.after(close);
  const receive = async (more: object = {}, url = QueueUrl) => {
    const input = { QueueUrl: url, MessageSystemAttributeNames: ['All' as const], ...more };
    return (await client.send(new ReceiveMessageCommand(input))).Messages ?? [];
  };
  const send = (MessageBody: string, more: object = {}) =>
    client.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));
  const remove = (ReceiptHandle: string) => client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  return { sqs, client, directory, QueueUrl, urlOf, receive, send, remove, close };
}

test('a message is hidden while it is worked on, comes again when it is shown again, and ends when it is deleted', async (t) => {
  const { client, QueueUrl, receive, send, remove } = await start(t);
  const { MessageId } = await send('{"n": 1, "text": "naïve 🐈"}');
  const [first] = await receive();
  assert.deepEqual([first?.MessageId, first?.Body], [MessageId, '{"n": 1, "text": "naïve 🐈"}']);
  assert.equal(first?.Attributes?.ApproximateReceiveCount, '1');
  assert.deepEqual(await receive(), []);
  const show = { QueueUrl, ReceiptHandle: first!.ReceiptHandle!, VisibilityTimeout: 0 };
  await client.send(new ChangeMessageVisibilityCommand(show));
  const [second] = await receive();
  assert.equal(second?.Attributes?.ApproximateReceiveCount, '2');
  assert.equal(
    second?.Attributes?.ApproximateFirstReceiveTimestamp,
    first?.Attributes?.ApproximateFirstReceiveTimestamp,
  );
  await remove(first!.ReceiptHandle!); // taken over by the second receive: deletes nothing
  const count = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] });
  const before = (await client.send(count)).Attributes!;
  assert.deepEqual([before.ApproximateNumberOfMessagesNotVisible, before.VisibilityTimeout], ['1', '30']);
  await remove(second!.ReceiptHandle!);
  assert.equal((await client.send(count)).Attributes!.ApproximateNumberOfMessagesNotVisible, '0');
});

test('entries of a batch succeed and fail by themselves', async (t) => {
  const { client, QueueUrl, receive } = await start(t);
  const Entries = ['a', 'b\u0000', 'c'].map((MessageBody, index) => ({ Id: `m${index}`, MessageBody }));
  const sent = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  assert.deepEqual(
    sent.Successful?.map(({ Id }) => Id),
    ['m0', 'm2'],
  );
  assert.deepEqual(
    sent.Failed?.map(({ Id, Code }) => [Id, Code]),
    [['m1', 'InvalidMessageContents']],
  );
  const received = await receive({ MaxNumberOfMessages: 10 });
  assert.deepEqual(
    received.map(({ Body }) => Body),
    ['a', 'c'],
  );
  const handles = [received[0]!.ReceiptHandle!, 'no handle'];
  const removal = { QueueUrl, Entries: handles.map((ReceiptHandle, index) => ({ Id: `m${index}`, ReceiptHandle })) };
  const removed = await client.send(new DeleteMessageBatchCommand(removal));
  assert.deepEqual([removed.Successful?.length, removed.Failed?.[0]?.Code], [1, 'ReceiptHandleIsInvalid']);
});

test('what fails too often becomes a dead letter, which names its queue and can be sent back', async (t) => {
  const { client, sqs, urlOf, receive, send } = await start(t);
  await send('poison');
  for (let receives = 0; receives < 2; receives++) assert.equal((await receive({ VisibilityTimeout: 0 })).length, 1);
  assert.deepEqual(await receive(), []);
  const deadUrl = await urlOf('work-dead-letters');
  const [dead] = await receive({ VisibilityTimeout: 0 }, deadUrl);
  assert.equal(dead?.Body, 'poison');
  const { arn } = sqs.queue('work');
  assert.equal(dead?.Attributes?.DeadLetterQueueSourceArn, arn);
  await client.send(new StartMessageMoveTaskCommand({ SourceArn: sqs.queue('work-dead-letters').arn }));
  assert.deepEqual(await receive({}, deadUrl), []);
  const [again] = await receive();
  assert.deepEqual([again?.Body, again?.Attributes?.ApproximateReceiveCount], ['poison', '1']);
});

test('a long poll ends with the message that comes', async (t) => {
  const { receive, send } = await start(t);
  const polled = receive({ WaitTimeSeconds: 20 });
  await send('at last');
  assert.deepEqual(
    (await polled).map(({ Body }) => Body),
    ['at last'],
  );
});

test('messages, receive counts and visibility times outlive a restart, and a line that was cut does no harm', async (t) => {
  const first = await start(t);
  for (const body of ['held', 'waits', 'done']) await first.send(body);
  const [held] = await first.receive();
  await first.remove((await first.receive({ MaxNumberOfMessages: 2 }))[1]!.ReceiptHandle!);
  await first.close();
  await appendFile(join(first.directory, 'work.jsonl'), '{"put":{"id":"cut');
  const second = await start(t, { directory: first.directory });
  assert.deepEqual(await second.receive(), []);
  second.sqs.queue('work').release();
  const all = await second.receive({ MaxNumberOfMessages: 10 });
  assert.deepEqual(
    all.map(({ Body, Attributes }) => [Body, Attributes?.ApproximateReceiveCount]),
    [
      ['held', '2'],
      ['waits', '2'],
    ],
  );
  await second.remove(held!.ReceiptHandle!);
  assert.equal(second.sqs.queue('work').counts().inFlight, 2);
});

test('with disorder messages come twice and in another order, the same for the same seed, and none is lost', async (t) => {
  const bodies = Array.from({ length: 40 }, (_, index) => String(index));
  const history = async (disorder: string) => {
    const { sqs } = await start(t, { disorder });
    const queue = sqs.queue('work');
    for (const body of bodies) queue.send(body);
    queue.release(); // what is late is not waited for
    const seen: string[] = [];
    for (let batch = queue.receive(5); batch.length > 0; batch = queue.receive(5)) {
      for (const { body, handle } of batch) {
        if (seen.includes(body)) queue.delete(handle!);
        seen.push(body);
      }
    }
    return seen;
  };
  const seen = await history('1');
  assert.deepEqual(new Set(seen), new Set(bodies));
  assert.ok(seen.length > 45);
  assert.notDeepEqual([...new Set(seen)], bodies);
  assert.notDeepEqual(await history('2'), seen);
  assert.deepEqual(await history('1'), seen);
});

test('what is not there or not supported is refused by name', async (t) => {
  const { client, QueueUrl, send, receive } = await start(t);
  const unknown = new SendMessageCommand({ QueueUrl: `${QueueUrl}x`, MessageBody: 'a' });
  await assert.rejects(client.send(unknown), { name: 'QueueDoesNotExist' });
  await assert.rejects(client.send(new CreateQueueCommand({ QueueName: 'x' })), {
    message: 'CreateQueue is not supported by this stand-in',
  });
  await assert.rejects(send('a', { MessageGroupId: 'fifo' }), /MessageGroupId/);
  await assert.rejects(send('x'.repeat(1_048_577)), /1048577/);
  await assert.rejects(receive({ MaxNumberOfMessages: 11 }), /MaxNumberOfMessages/);
  assert.equal((await client.send(new ListQueuesCommand({}))).QueueUrls?.length, 2);
});
