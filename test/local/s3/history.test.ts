import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { startTestS3, type TestS3 } from './start-test-s3.ts';

const Bucket = 'data';
let test3: TestS3;
before(async () => {
  test3 = await startTestS3();
});
after(() => test3.close());

const key = fc.constantFrom('a', 'a/', 'a/b', 'a/../b', 'ü +%2F', '😀', '..', '<&>');
const body = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const operation = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key, body }),
  fc.record({ kind: fc.constant('create' as const), key, body }),
  fc.record({ kind: fc.constant('copy' as const), key, from: key }),
  fc.record({ kind: fc.constant('delete' as const), key }),
  fc.record({ kind: fc.constant('get' as const), key, start: fc.nat(50), length: fc.nat(50) }),
  fc.record({ kind: fc.constant('list' as const), prefix: fc.constantFrom('', 'a', 'a/', '..') }),
  fc.record({ kind: fc.constant('restart' as const) }),
);
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never;
type Model = Map<string, Buffer>;

/** What the operation answers: a status, bytes or a list of keys. */
type Answer = number | Buffer | string[];

function expected(model: Model, step: Operation): Answer {
  switch (step.kind) {
    case 'put':
      model.set(step.key, step.body);
      return 200;
    case 'create':
      if (model.has(step.key)) return 412;
      model.set(step.key, step.body);
      return 200;
    case 'copy': {
      if (step.from === step.key) return 400;
      const source = model.get(step.from);
      if (!source) return 404;
      model.set(step.key, source);
      return 200;
    }
    case 'delete':
      model.delete(step.key);
      return 204;
    case 'get': {
      const stored = model.get(step.key);
      if (!stored) return 404;
      return step.start < stored.length ? stored.subarray(step.start, step.start + step.length + 1) : 416;
    }
    case 'list': {
      const keys = [...model.keys()].filter((name) => name.startsWith(step.prefix));
      return keys
        .map((name) => Buffer.from(name))
        .sort(Buffer.compare)
        .map(String);
    }
    case 'restart':
      return 200;
  }
}

async function actual(step: Operation): Promise<Answer> {
  const { client } = test3;
  try {
    switch (step.kind) {
      case 'put':
      case 'create': {
        const condition = step.kind === 'create' ? { IfNoneMatch: '*' } : {};
        const input = { Bucket, Key: step.key, Body: step.body, ...condition };
        return (await client.send(new PutObjectCommand(input))).$metadata.httpStatusCode!;
      }
      case 'copy': {
        const input = { Bucket, Key: step.key, CopySource: `${Bucket}/${encodeURIComponent(step.from)}` };
        return (await client.send(new CopyObjectCommand(input))).$metadata.httpStatusCode!;
      }
      case 'delete':
        return (await client.send(new DeleteObjectCommand({ Bucket, Key: step.key }))).$metadata.httpStatusCode!;
      case 'get': {
        const Range = `bytes=${step.start}-${step.start + step.length}`;
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: step.key, Range }));
        return Buffer.from(await Body!.transformToByteArray());
      }
      case 'list': {
        const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: step.prefix }));
        return Contents.map(({ Key }) => Key!);
      }
      case 'restart':
        await test3.restart();
        return 200;
    }
  } catch (error) {
    const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
    if (status === undefined) throw error;
    return status;
  }
}

test('any history of writes, copies, deletions, reads, listings and restarts answers as a map does', async () => {
  const history = fc.array(operation, { minLength: 30, maxLength: 60 });
  const check = fc.asyncProperty(history, async (steps) => {
    const model: Model = new Map();
    for (const name of (await actual({ kind: 'list', prefix: '' })) as string[]) {
      await actual({ kind: 'delete', key: name as typeof key extends fc.Arbitrary<infer Name> ? Name : never });
    }
    for (const step of steps) {
      const answer = expected(model, step);
      assert.deepEqual(await actual(step), answer, JSON.stringify(step));
    }
  });
  await fc.assert(check, { seed: 20261123, numRuns: 8 });
});
