import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { startDynamodb } from '../../local/dynamodb.ts';

const TableName = 'lambent';
const directory = await mkdtemp(join(tmpdir(), 'lambent-dynamodb-'));
after(() => rm(directory, { recursive: true }));

async function start(t: TestContext, name: string) {
  const standIn = await startDynamodb({ path: join(directory, name), tableName: TableName });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint: standIn.url, region: 'us-east-1', credentials });
  const close = () => {
    client.destroy();
    return standIn.close();
  };
  t.after(close);
  return { standIn, client, close };
}

const item = (sk: string) => ({ pk: { S: 'p' }, sk: { S: sk } });

test('items are written under conditions, queried in order and found after a restart', async (t) => {
  const first = await start(t, 'items');
  const create = (sk: string) =>
    new PutItemCommand({ TableName, Item: item(sk), ConditionExpression: 'attribute_not_exists(pk)' });
  for (const sk of ['b', 'a', 'c']) await first.client.send(create(sk));
  await assert.rejects(first.client.send(create('a')), { name: 'ConditionalCheckFailedException' });
  await first.close();
  const second = await start(t, 'items');
  const query = { TableName, KeyConditionExpression: 'pk = :p', ExpressionAttributeValues: { ':p': { S: 'p' } } };
  const { Items } = await second.client.send(new QueryCommand(query));
  assert.deepEqual(Items, [item('a'), item('b'), item('c')]);
  await second.close();
});

test('faults reach it and unsupported operations are refused with 501', async (t) => {
  const { standIn, client, close } = await start(t, 'faults');
  standIn.faults.add({ match: { operation: 'GetItem' }, status: 400, errorType: 'ResourceNotFoundException' });
  const get = () => client.send(new GetItemCommand({ TableName, Key: item('a') }));
  await assert.rejects(get(), { name: 'ResourceNotFoundException' });
  assert.equal((await get()).Item, undefined);
  standIn.faults.add({ cutAfterBytes: 0 });
  assert.equal((await get()).Item, undefined, 'the SDK repeats a read whose answer was cut');
  const put = { Put: { TableName, Item: item('a') } };
  const transaction = client.send(new TransactWriteItemsCommand({ TransactItems: [put] }));
  await assert.rejects(transaction, { message: 'TransactWriteItems is not supported by this stand-in' });
  await close();
});

test('an input member that dynalite does not know is refused, a wrong input is answered as DynamoDB does', async (t) => {
  const { standIn, client, close } = await start(t, 'inputs');
  const put = new PutItemCommand({ TableName, Item: item('a'), ReturnValuesOnConditionCheckFailure: 'ALL_OLD' });
  await assert.rejects(client.send(put), { name: 'NotImplemented', message: /PutItem with ReturnValuesOn/ });
  await assert.rejects(client.send(new PutItemCommand({ TableName, Item: { pk: { S: 'p' } } })), {
    name: 'ValidationException',
    message: 'One or more parameter values were invalid: Missing the key sk in the item',
  });
  const get = new GetItemCommand({ TableName: 'elsewhere', Key: item('a') });
  await assert.rejects(client.send(get), { name: 'ResourceNotFoundException' });
  const headers = { 'x-amz-target': 'DynamoDB_20120810.GetItem' };
  for (const body of ['', '{', '[]', 'null', '{"TableName": 1}']) {
    assert.equal((await fetch(standIn.url, { method: 'POST', headers, body })).status, 400, body);
  }
  await close();
});

test('a client that breaks off a request does no harm', async (t) => {
  const { standIn, client, close } = await start(t, 'broken-off');
  await new Promise<void>((resolve) => {
    const headers = { 'content-length': 100, 'x-amz-target': 'DynamoDB_20120810.PutItem' };
    const sent = request(standIn.url, { method: 'POST', headers }).on('error', () => resolve());
    sent.write('{', () => sent.destroy(new Error('gone')));
  });
  assert.equal((await client.send(new GetItemCommand({ TableName, Key: item('a') }))).Item, undefined);
  await close();
});

test('a second process on the same data is refused, and the first lives on', async (t) => {
  const { client, close } = await start(t, 'twice');
  await assert.rejects(
    startDynamodb({ path: join(directory, 'twice'), tableName: TableName }),
    /another Lambent runs on this state folder/,
  );
  assert.equal((await client.send(new GetItemCommand({ TableName, Key: item('a') }))).Item, undefined);
  await close();
});

test('a table that a kill left half created is completed by the next start', async (t) => {
  const path = join(directory, 'half-created');
  const script = `
    import db from 'dynalite/db/index.js';
    import createTable from 'dynalite/actions/createTable.js';
    const store = db.create({ path: ${JSON.stringify(path)}, createTableMs: 60_000 });
    await store.db.open();
    const KeySchema = [{ AttributeName: 'pk', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }];
    const AttributeDefinitions = KeySchema.map(({ AttributeName }) => ({ AttributeName, AttributeType: 'S' }));
    const table = { TableName: 'lambent', BillingMode: 'PAY_PER_REQUEST', KeySchema, AttributeDefinitions };
    createTable(store, table, () => process.kill(process.pid, 'SIGKILL'));`;
  const cwd = new URL('../../', import.meta.url);
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd, stdio: 'inherit' });
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
  const { client, close } = await start(t, 'half-created');
  await client.send(new PutItemCommand({ TableName, Item: item('a') }));
  assert.deepEqual((await client.send(new GetItemCommand({ TableName, Key: item('a') }))).Item, item('a'));
  await close();
});

test('acknowledged items survive a kill', async (t) => {
  const path = join(directory, 'killed');
  const script = `
    import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
    import { startDynamodb } from './local/dynamodb.ts';
    const { url } = await startDynamodb({ path: ${JSON.stringify(path)}, tableName: 'lambent' });
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new DynamoDBClient({ endpoint: url, region: 'us-east-1', credentials });
    for (let n = 0; ; n++) {
      const Item = { pk: { S: 'p' }, sk: { S: String(n) } };
      await client.send(new PutItemCommand({ TableName: 'lambent', Item }));
      process.stdout.write('.');
    }`;
  const cwd = new URL('../../', import.meta.url);
  for (let round = 1; round <= 2; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let acknowledged = 0;
    for await (const chunk of child.stdout) {
      acknowledged += chunk.length;
      if (acknowledged >= 30 * round) child.kill('SIGKILL');
    }
    if (child.signalCode === null && child.exitCode === null) await once(child, 'exit');
    assert.equal(child.signalCode, 'SIGKILL');
    const { client, close } = await start(t, 'killed');
    const last = await client.send(new GetItemCommand({ TableName, Key: item(String(acknowledged - 1)) }));
    assert.deepEqual(last.Item, item(String(acknowledged - 1)));
    await close();
  }
});
