import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { crc32 } from 'node:zlib';
import db, { type Store } from 'dynalite/db/index.js';
import validations from 'dynalite/validations/index.js';
import { AwsError, notImplemented } from './aws-error.ts';
import { readBody, type StandIn, sendJson, startStandIn } from './stand-in-server.ts';

/** What dynalite carries out; it knows no transactions, backups or TTL. */
const operations = new Set(
  (
    'BatchGetItem BatchWriteItem CreateTable DeleteItem DeleteTable DescribeTable DescribeTimeToLive GetItem ListTables ' +
    'PutItem Query Scan TagResource UntagResource ListTagsOfResource UpdateItem UpdateTable'
  ).split(' '),
);

/**
 * DynamoDB on 127.0.0.1 by dynalite, which keeps its data in LevelDB under `path`. The table (hash key `pk`, range key `sk`,
 * both strings, on demand) is there once this resolves. Throws where another process has `path` open.
 *
 * dynalite's own HTTP server is left out: it ends the process when a client breaks off a request or the disk is full.
 */
export async function startDynamodb(options: {
  readonly path: string;
  readonly tableName: string;
  readonly port?: number;
}): Promise<StandIn> {
  const store = await openStore(options.path);
  try {
    await createTable(store, options.tableName);
    const standIn = await startStandIn({
      ...(options.port !== undefined && { port: options.port }),
      operation: ({ headers }) => String(headers['x-amz-target']).split('.')[1] ?? 'a request without X-Amz-Target',
      async handle(request, response, operation) {
        if (!operations.has(operation)) throw notImplemented(operation);
        const output = await execute(store, operation, parseInput(String(await readBody(request, 16 * 1024 ** 2))));
        const checksum = crc32(JSON.stringify(output));
        const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-crc32': String(checksum) };
        sendJson(response, 200, output, headers);
      },
    });
    const close = async () => {
      await standIn.close();
      await store.lifecycleManager.gracefulClose();
    };
    return { ...standIn, close };
  } catch (error) {
    await store.lifecycleManager.gracefulClose();
    throw error;
  }
}

async function openStore(path: string): Promise<Store> {
  mkdirSync(path, { recursive: true });
  const store = db.create({ path, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  try {
    await store.db.open();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    // LevelDB's lock ends with the process that holds it, however that ends.
    if (/\block\b/i.test(reason)) throw new Error('another Lambent runs on this state folder', { cause });
    const advice = /^Corruption/.test(reason) ? '; restore it, or delete the state folder to start afresh' : '';
    throw new Error(`${path} cannot be opened: ${reason}${advice}`, { cause });
  }
  return store;
}

/** Creates the table where it is missing. */
async function createTable(store: Store, tableName: string): Promise<void> {
  const { TableNames } = (await execute(store, 'ListTables', {})) as { TableNames: string[] };
  if (!TableNames.includes(tableName)) {
    await execute(store, 'CreateTable', {
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((name) => ({ AttributeName: name, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    });
  }
  const { Table } = (await execute(store, 'DescribeTable', { TableName: tableName })) as {
    Table: { TableStatus: string };
  };
  // dynalite makes it active a moment later, and never where the process is killed or the disk is full in that moment.
  if (Table.TableStatus !== 'ACTIVE') await putTable(store, tableName, { ...Table, TableStatus: 'ACTIVE' });
}

async function putTable(store: Store, tableName: string, table: object): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    store.tableDb.put(tableName, table, (error) => (error ? reject(toAwsError(error)) : resolve()));
  });
}

type Action = (store: Store, input: object, callback: (error: unknown, output: object) => void) => void;
interface Validation {
  readonly types: object;
  readonly custom: unknown;
}
const require = createRequire(import.meta.url);

/** Validates and runs one operation. Throws DynamoDB's errors as AwsError. */
async function execute(store: Store, operation: string, input: object): Promise<object> {
  // Each operation's module is loaded when it is first used: all of them would cost the start 100 ms.
  const name = operation.charAt(0).toLowerCase() + operation.slice(1);
  const { types, custom } = require(`dynalite/validations/${name}`) as Validation;
  const action = require(`dynalite/actions/${name}`) as Action;
  const unknown = Object.keys(input).find((member) => !Object.hasOwn(types, member));
  if (unknown !== undefined) throw notImplemented(`${operation} with ${unknown}`);
  try {
    const checked = validations.checkTypes(input, types);
    validations.checkValidations(checked, types, custom, store);
    return await new Promise<object>((resolve, reject) => {
      action(store, checked, (error, output) => (error ? reject(error) : resolve(output)));
    });
  } catch (error) {
    throw toAwsError(error);
  }
}

function parseInput(body: string): object {
  try {
    const input: unknown = JSON.parse(body);
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input;
  } catch {}
  throw new AwsError(400, 'com.amazon.coral.service#SerializationException', 'the body is not a JSON object');
}

/** dynalite's errors carry a status and a body; any other is a failure of the disk. */
function toAwsError(error: unknown): AwsError {
  const { statusCode, body } = error as { statusCode?: number; body?: Record<string, unknown> };
  if (statusCode !== undefined && body !== undefined) {
    const { __type, message, Message, ...fields } = body;
    return new AwsError(statusCode, String(__type), String(message ?? Message ?? ''), fields);
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new AwsError(
    500,
    'com.amazonaws.dynamodb.v20120810#InternalServerError',
    `the table's store failed: ${reason}`,
  );
}
