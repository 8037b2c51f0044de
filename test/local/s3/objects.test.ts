import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { failure, startTestS3, type TestS3 } from './start-test-s3.ts';

let test3: TestS3;
before(async () => {
  test3 = await startTestS3();
});
after(() => test3.close());

const Bucket = 'data';
const put = (Key: string, Body: string | Uint8Array = Key, more = {}) =>
  test3.client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = (Key: string, more = {}) => test3.client.send(new GetObjectCommand({ Bucket, Key, ...more }));
const text = async (Key: string, more = {}) => (await get(Key, more)).Body?.transformToString();
const md5 = (content: string) => `"${createHash('md5').update(content).digest('hex')}"`;

test('an object comes back with its bytes and all that was said of it, also after a restart', async () => {
  const headers = {
    ContentType: 'application/json',
    ContentEncoding: 'gzip',
    ContentDisposition: 'attachment; filename="a.json"',
    ContentLanguage: 'de',
    CacheControl: 'max-age=60',
    Metadata: { owner: 'somebody', empty: '' },
  };
  const written = await put('described', 'content', headers);
  assert.equal(written.ETag, md5('content'));
  await test3.restart();
  const read = await get('described');
  const { Body, $metadata, LastModified, ...described } = read;
  assert.equal(await Body?.transformToString(), 'content');
  assert.deepEqual(described, {
    ...headers,
    AcceptRanges: 'bytes',
    ContentLength: 7,
    ETag: md5('content'),
    VersionId: written.VersionId,
    ServerSideEncryption: 'AES256',
    ChecksumCRC32: written.ChecksumCRC32,
    ChecksumType: 'FULL_OBJECT',
  });
  assert.ok(Math.abs(Date.now() - LastModified!.getTime()) < 60_000);
  const head = await test3.client.send(new HeadObjectCommand({ Bucket, Key: 'described' }));
  assert.deepEqual([head.ContentLength, head.ETag, head.Metadata], [7, md5('content'), headers.Metadata]);
});

test('each write of a key has a version id of its own, and only the current one can be read', async () => {
  const first = await put('versions', '1');
  const second = await put('versions', '2');
  assert.notEqual(first.VersionId, second.VersionId);
  assert.equal(await text('versions', { VersionId: second.VersionId }), '2');
  assert.deepEqual(await failure(get('versions', { VersionId: first.VersionId })), ['NotImplemented', 501]);
});

const keys = [
  'a',
  'a/b',
  'a/',
  'a//b',
  '/leading',
  'with space',
  'plus+sign',
  '100%',
  '%41',
  '../escape',
  'x/../../y',
  './dot',
  '🎈/ünïcödé',
  'q?x=1&y#z',
  "!*'()~:@$,;=",
  '<xml>&"',
  'tab\tnewline\n',
  'é'.repeat(512),
  'CON',
  'back\\slash',
  '__proto__',
];

test('any key of up to 1,024 bytes is a name of its own', async () => {
  for (const key of keys) await put(key);
  for (const key of keys) assert.equal(await text(key), key);
  await test3.restart();
  for (const key of keys) assert.equal(await text(key), key);
  for (const key of keys) await test3.client.send(new DeleteObjectCommand({ Bucket, Key: key }));
  for (const key of keys) assert.deepEqual(await failure(get(key)), ['NoSuchKey', 404]);
  assert.deepEqual(await failure(put('x'.repeat(1025))), ['KeyTooLongError', 400]);
});

test('a range is answered with 206, a malformed one with the whole, one outside with 416', async () => {
  await put('range', '0123456789');
  await put('empty', '');
  const range = async (Range: string, key = 'range') => {
    const answer = await get(key, { Range });
    return [answer.$metadata.httpStatusCode, answer.ContentRange, await answer.Body?.transformToString()];
  };
  assert.deepEqual(await range('bytes=2-4'), [206, 'bytes 2-4/10', '234']);
  assert.deepEqual(await range('bytes=7-'), [206, 'bytes 7-9/10', '789']);
  assert.deepEqual(await range('bytes=-3'), [206, 'bytes 7-9/10', '789']);
  assert.deepEqual(await range('bytes=-99'), [206, 'bytes 0-9/10', '0123456789']);
  assert.deepEqual(await range('bytes=9-99'), [206, 'bytes 9-9/10', '9']);
  for (const odd of ['bytes=4-2', 'lines=1-2', 'bytes=-', 'bytes=x']) {
    assert.deepEqual(await range(odd), [200, undefined, '0123456789'], odd);
  }
  for (const [outside, key] of [['bytes=10-'], ['bytes=-0'], ['bytes=0-', 'empty']] as const) {
    assert.deepEqual(await failure(range(outside, key)), ['InvalidRange', 416], outside);
  }
  assert.deepEqual(await failure(range('bytes=0-1,3-4')), ['NotImplemented', 501]);
  assert.equal(await text('empty'), '');
});

test('conditions of a read hold as HTTP defines them', async () => {
  const { ETag } = await put('condition', 'x');
  const { LastModified } = await get('condition');
  const earlier = new Date(LastModified!.getTime() - 1000);
  assert.equal(await text('condition', { IfMatch: ETag }), 'x');
  assert.equal(await text('condition', { IfNoneMatch: '"other"' }), 'x');
  assert.equal(await text('condition', { IfModifiedSince: earlier }), 'x');
  assert.equal(await text('condition', { IfUnmodifiedSince: LastModified }), 'x');
  assert.equal(await text('condition', { IfMatch: ETag, IfUnmodifiedSince: earlier }), 'x');
  assert.equal(await text('condition', { IfNoneMatch: '"other"', IfModifiedSince: LastModified }), 'x');
  for (const failing of [{ IfMatch: '"other"' }, { IfUnmodifiedSince: earlier }]) {
    assert.deepEqual(await failure(get('condition', failing)), ['PreconditionFailed', 412]);
  }
  for (const failing of [{ IfNoneMatch: ETag }, { IfNoneMatch: '*' }, { IfModifiedSince: LastModified }]) {
    assert.equal((await failure(get('condition', failing)))[1], 304);
  }
});

test('a conditional write happens only where its condition holds', async () => {
  const first = await put('once', '1', { IfNoneMatch: '*' });
  assert.deepEqual(await failure(put('once', '2', { IfNoneMatch: '*' })), ['PreconditionFailed', 412]);
  assert.deepEqual(await failure(put('once', '2', { IfMatch: '"other"' })), ['PreconditionFailed', 412]);
  assert.deepEqual(await failure(put('never', '2', { IfMatch: first.ETag })), ['NoSuchKey', 404]);
  assert.deepEqual(await failure(put('once', '2', { IfNoneMatch: '"other"' })), ['NotImplemented', 501]);
  assert.equal(await text('once'), '1');
  await put('once', '2', { IfMatch: first.ETag });
  assert.equal(await text('once'), '2');
});

test('of many simultaneous writes with If-None-Match exactly one wins', async () => {
  const attempts = Array.from({ length: 20 }, (_, index) => put('race', String(index), { IfNoneMatch: '*' }));
  const results = await Promise.allSettled(attempts);
  const winners = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
  assert.equal(winners.length, 1);
  assert.equal(await text('race'), String(winners[0]));
});

test('a copy has the bytes of its source and its headers or new ones', async () => {
  const copy = (CopySource: string, Key: string, more = {}) =>
    test3.client.send(new CopyObjectCommand({ Bucket, CopySource, Key, ...more }));
  const { ETag } = await put('source ä+%', 'copied', { ContentType: 'text/plain', Metadata: { a: '1' } });
  const CopySource = `data/${encodeURIComponent('source ä+%')}`;
  const result = await copy(CopySource, 'copy');
  assert.equal(result.CopyObjectResult?.ETag, md5('copied'));
  const copied = await get('copy');
  assert.deepEqual([copied.ContentType, copied.Metadata], ['text/plain', { a: '1' }]);
  assert.equal(await copied.Body?.transformToString(), 'copied');
  await copy(CopySource, 'copy', { MetadataDirective: 'REPLACE', ContentType: 'text/css', Metadata: { b: '2' } });
  const replaced = await get('copy');
  assert.deepEqual([replaced.ContentType, replaced.Metadata], ['text/css', { b: '2' }]);
  assert.equal(await replaced.Body?.transformToString(), 'copied');
  await put('hollow', '');
  await copy('/data/hollow', 'hollow copy');
  assert.equal(await text('hollow copy'), '');
  assert.deepEqual(await failure(copy('data/nothing', 'copy')), ['NoSuchKey', 404]);
  assert.deepEqual(await failure(copy('data/copy', 'copy')), ['InvalidRequest', 400]);
  assert.deepEqual(await failure(copy(CopySource, 'c', { CopySourceIfNoneMatch: ETag })), ['PreconditionFailed', 412]);
});

test('objects are deleted alone and together, also those that do not exist', async () => {
  const names = ['del/1', 'del & <2>', 'del/3', 'never there'];
  for (const key of names.slice(0, 3)) await put(key);
  const Objects = names.map((Key) => ({ Key }));
  const deleted = await test3.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  assert.deepEqual(
    deleted.Deleted?.map(({ Key, DeleteMarker }) => [Key, DeleteMarker]),
    names.map((name) => [name, true]),
  );
  for (const key of names) assert.deepEqual(await failure(get(key)), ['NoSuchKey', 404]);
  const quiet = await test3.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
  assert.equal(quiet.Deleted, undefined);
  const head = new HeadObjectCommand({ Bucket, Key: 'del/1' });
  assert.deepEqual(await failure(test3.client.send(head)), ['NotFound', 404]);
});

test('a stream of known length, which the SDK sends as aws-chunked with a trailing checksum, is decoded', async () => {
  const bytes = Buffer.alloc(300_000, 'aws-chunked ');
  const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 100_001), bytes.subarray(100_001)];
  const Body = Readable.from(pieces);
  const command = { Bucket, Key: 'stream', Body, ContentLength: bytes.length, ContentEncoding: 'gzip' };
  await test3.client.send(new PutObjectCommand(command));
  const read = await get('stream');
  assert.equal(read.ContentEncoding, 'gzip');
  assert.ok(bytes.equals(await read.Body!.transformToByteArray()));
});

test('buckets can be created, found and listed', async () => {
  const create = (name: string) => test3.client.send(new CreateBucketCommand({ Bucket: name }));
  await create('second-bucket');
  assert.deepEqual(await failure(create('second-bucket')), ['BucketAlreadyOwnedByYou', 409]);
  await test3.client.send(new HeadBucketCommand({ Bucket: 'second-bucket' }));
  assert.deepEqual(await failure(test3.client.send(new HeadBucketCommand({ Bucket: 'none' }))), ['NotFound', 404]);
  const { Buckets } = await test3.client.send(new ListBucketsCommand());
  assert.deepEqual(
    Buckets?.map(({ Name }) => Name),
    ['data', 'second-bucket'],
  );
  const nowhere = test3.client.send(new PutObjectCommand({ Bucket: 'none', Key: 'k', Body: '' }));
  assert.deepEqual(await failure(nowhere), ['NoSuchBucket', 404]);
});

test('what is not supported is refused with 501 and its name', async () => {
  await put('plain');
  const object = { Bucket, Key: 'plain' };
  const attempts: [string, () => Promise<unknown>][] = [
    ['GetObjectAcl', () => test3.client.send(new GetObjectAclCommand(object))],
    ['PutObjectTagging', () => test3.client.send(new PutObjectTaggingCommand({ ...object, Tagging: { TagSet: [] } }))],
    ['PutBucketPolicy', () => test3.client.send(new PutBucketPolicyCommand({ Bucket, Policy: '{}' }))],
    ['ListObjects', () => test3.client.send(new ListObjectsCommand({ Bucket }))],
    ['ListObjectVersions', () => test3.client.send(new ListObjectVersionsCommand({ Bucket }))],
    ['DeleteObject of one version', () => test3.client.send(new DeleteObjectCommand({ ...object, VersionId: 'v' }))],
    [
      'UploadPartCopy',
      () =>
        test3.client.send(
          new UploadPartCopyCommand({ ...object, CopySource: 'data/plain', PartNumber: 1, UploadId: 'u' }),
        ),
    ],
    ['PutObject with x-amz-tagging: a=b', () => put('plain', 'changed', { Tagging: 'a=b' })],
    ['PutObject with x-amz-acl: public-read', () => put('plain', 'changed', { ACL: 'public-read' })],
  ];
  for (const [name, attempt] of attempts) {
    await assert.rejects(attempt(), { name: 'NotImplemented', message: `${name} is not supported by this stand-in` });
  }
  assert.equal(await text('plain'), 'plain');
});

test('each write and removal is told to the listeners as S3 tells it, in order', async () => {
  test3.events.length = 0;
  const key = 'in box/ü+(1)~.json';
  const written = await put(key, 'hello');
  await test3.client.send(new CopyObjectCommand({ Bucket, CopySource: 'data/plain', Key: 'copy of plain' }));
  await test3.client.send(new DeleteObjectCommand({ Bucket, Key: key }));
  await failure(put(key, 'x', { IfMatch: '"none"' }));
  const [created, copied, removed, ...more] = test3.events;
  assert.deepEqual(more, []);
  assert.deepEqual(
    [copied?.eventName, removed?.eventName],
    ['ObjectCreated:Copy', 'ObjectRemoved:DeleteMarkerCreated'],
  );
  const { eventTime, responseElements, ...record } = created!;
  assert.ok(!Number.isNaN(Date.parse(eventTime)));
  assert.deepEqual(record, {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: 'us-east-1',
    eventName: 'ObjectCreated:Put',
    userIdentity: { principalId: 'LOCAL' },
    requestParameters: { sourceIPAddress: '127.0.0.1' },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: 'local',
      bucket: { name: Bucket, ownerIdentity: { principalId: 'LOCAL' }, arn: 'arn:aws:s3:::data' },
      object: {
        key: 'in+box/%C3%BC%2B%281%29%7E.json',
        size: 5,
        eTag: md5('hello').slice(1, -1),
        versionId: written.VersionId,
        sequencer: record.s3.object.sequencer,
      },
    },
  });
  const sequencers = test3.events.map(({ s3 }) => s3.object.sequencer);
  assert.deepEqual(sequencers, [...sequencers].sort());
  assert.equal(new Set(sequencers).size, 3);
});

test('a writer whose event no listener takes is told so', async () => {
  const refuse = Promise.reject(new Error('queue is full'));
  refuse.catch(() => {});
  await test3.restart();
  test3.s3.onEvent(() => refuse);
  const { status } = await fetch(`${test3.s3.url}/data/untold`, { method: 'PUT', body: 'x' });
  assert.equal(status, 500);
  await test3.restart();
});
