import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandInput,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { failure, startTestS3, type TestS3 } from './start-test-s3.ts';

const Bucket = 'data';
const large = randomBytes(5 * 1024 ** 2);
const small = Buffer.from('the last part may be small');

let test3: TestS3;
before(async () => {
  test3 = await startTestS3();
});
after(() => test3.close());

const create = async (Key: string, more = {}) => {
  const { UploadId } = await test3.client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));
  return UploadId!;
};
const upload = async (Key: string, UploadId: string, PartNumber: number, Body: Uint8Array): Promise<CompletedPart> => {
  const part = await test3.client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
  return { PartNumber, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 };
};
const complete = (Key: string, UploadId: string, Parts: CompletedPart[], more = {}) =>
  test3.client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }));
const read = async (Key: string) =>
  Buffer.from(await (await test3.client.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToByteArray());

test('parts uploaded in any order, also across a restart, become one object', async () => {
  const Key = 'parts';
  const id = await create(Key, { ContentType: 'text/plain', Metadata: { a: '1' }, ChecksumAlgorithm: 'CRC32' });
  const last = await upload(Key, id, 7, small);
  await upload(Key, id, 2, small);
  await test3.restart();
  const first = await upload(Key, id, 2, large);
  test3.events.length = 0;
  const done = await complete(Key, id, [first, last]);
  const md5 = (data: Uint8Array) => createHash('md5').update(data).digest();
  const tag = createHash('md5').update(md5(large)).update(md5(small)).digest('hex');
  assert.equal(done.ETag, `"${tag}-2"`);
  assert.match(done.ChecksumCRC32 ?? '', /^.{8}-2$/);
  assert.ok((await read(Key)).equals(Buffer.concat([large, small])));
  const { ContentType, Metadata } = await test3.client.send(new GetObjectCommand({ Bucket, Key }));
  assert.deepEqual([ContentType, Metadata], ['text/plain', { a: '1' }]);
  const [event] = test3.events;
  assert.equal(event?.eventName, 'ObjectCreated:CompleteMultipartUpload');
  assert.deepEqual([event?.s3.object.size, event?.s3.object.eTag], [large.length + small.length, `${tag}-2`]);
});

test('completing again answers the same: the first answer may have been lost', async () => {
  const id = await create('again');
  const parts = [await upload('again', id, 1, small)];
  test3.s3.faults.add({ match: { operation: 'CompleteMultipartUpload' }, cutAfterBytes: 0 });
  const done = await complete('again', id, parts);
  assert.deepEqual((await complete('again', id, parts)).VersionId, done.VersionId);
});

test('a list of parts that was not uploaded so is refused, and the upload lives on', async () => {
  const Key = 'refused';
  const id = await create(Key);
  const one = await upload(Key, id, 1, small);
  const two = await upload(Key, id, 2, small);
  assert.deepEqual(await failure(complete(Key, id, [two, one])), ['InvalidPartOrder', 400]);
  assert.deepEqual(await failure(complete(Key, id, [{ ...one, ETag: '"x"' }])), ['InvalidPart', 400]);
  assert.deepEqual(await failure(complete(Key, id, [{ ...one, ChecksumCRC32: 'AAAAAA==' }])), ['InvalidPart', 400]);
  assert.deepEqual(await failure(complete(Key, id, [{ PartNumber: 3, ETag: one.ETag }])), ['InvalidPart', 400]);
  assert.deepEqual(await failure(complete(Key, id, [one, two])), ['EntityTooSmall', 400]);
  assert.deepEqual(await failure(complete(Key, id, [one], { MpuObjectSize: 1 })), ['InvalidRequest', 400]);
  assert.deepEqual(await failure(complete(Key, id, [])), ['MalformedXML', 400]);
  assert.deepEqual(await failure(upload(Key, id, 0, small)), ['InvalidArgument', 400]);
  assert.deepEqual(await failure(read(Key)), ['NoSuchKey', 404]);
  await complete(Key, id, [two]);
  assert.ok((await read(Key)).equals(small));
});

test('completing obeys conditions of the write', async () => {
  await test3.client.send(new PutObjectCommand({ Bucket, Key: 'taken', Body: 'first' }));
  const id = await create('taken');
  const parts = [await upload('taken', id, 1, small)];
  assert.deepEqual(await failure(complete('taken', id, parts, { IfNoneMatch: '*' })), ['PreconditionFailed', 412]);
  assert.equal(String(await read('taken')), 'first');
  await complete('taken', id, parts);
  assert.ok((await read('taken')).equals(small));
});

test('parts and uploads are listed in pages, and an aborted upload is gone', async () => {
  const ids = [await create('list/a'), await create('list/a'), await create('list/b')];
  for (const number of [3, 1, 2]) await upload('list/a', ids[0]!, number, small);
  const object = { Bucket, Key: 'list/a', UploadId: ids[0] };
  const page = await test3.client.send(new ListPartsCommand({ ...object, MaxParts: 2 }));
  assert.deepEqual([page.Parts?.map(({ PartNumber }) => PartNumber), page.IsTruncated], [[1, 2], true]);
  const next = { ...object, PartNumberMarker: page.NextPartNumberMarker };
  const rest = await test3.client.send(new ListPartsCommand(next));
  assert.deepEqual([rest.Parts?.map(({ PartNumber }) => PartNumber), rest.IsTruncated], [[3], false]);
  assert.equal(rest.Parts?.[0]?.Size, small.length);

  const seen: (string | undefined)[] = [];
  const input: ListMultipartUploadsCommandInput = { Bucket, Prefix: 'list/', MaxUploads: 1 };
  for (let isTruncated = true; isTruncated; ) {
    const answer: ListMultipartUploadsCommandOutput = await test3.client.send(new ListMultipartUploadsCommand(input));
    seen.push(...(answer.Uploads?.map(({ UploadId }) => UploadId) ?? []));
    isTruncated = answer.IsTruncated ?? false;
    input.KeyMarker = answer.NextKeyMarker;
    input.UploadIdMarker = answer.NextUploadIdMarker;
  }
  assert.deepEqual(seen.sort(), ids.sort());

  await test3.client.send(new AbortMultipartUploadCommand(object));
  assert.deepEqual(await failure(test3.client.send(new ListPartsCommand(object))), ['NoSuchUpload', 404]);
  assert.deepEqual(await failure(upload('list/a', object.UploadId!, 1, small)), ['NoSuchUpload', 404]);
});

for (const algorithm of ['CRC64NVME', 'CRC32', 'CRC32C', 'SHA256'] as const) {
  test(`an upload with ${algorithm} gets a checksum of the whole`, async () => {
    const Key = `sum-${algorithm}`;
    const raw = (path: string, init: RequestInit) => fetch(`${test3.s3.url}/data/${Key}${path}`, init);
    const headers = { 'x-amz-checksum-algorithm': algorithm };
    const created = await raw('?uploads', { method: 'POST', headers });
    const id = /<UploadId>(\w+)</.exec(await created.text())?.[1];
    const field = `x-amz-checksum-${algorithm.toLowerCase()}`;
    const value = checksums[algorithm];
    const part = { method: 'PUT', body: '123456789', headers: { [field]: value } };
    const uploaded = await raw(`?uploadId=${id}&partNumber=1`, part);
    assert.deepEqual([uploaded.status, uploaded.headers.get(field)], [200, value]);
    const wrong = await raw(`?uploadId=${id}&partNumber=1`, { ...part, body: '12345678X' });
    assert.equal(wrong.status, 400);
    const etag = uploaded.headers.get('etag');
    const list = `<Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part>`;
    const body = `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`;
    const done = await (await raw(`?uploadId=${id}`, { method: 'POST', body })).text();
    const isWhole = algorithm === 'CRC64NVME';
    assert.match(done, new RegExp(`<ChecksumType>${isWhole ? 'FULL_OBJECT' : 'COMPOSITE'}<`));
    const whole = isWhole ? value.replace('+', '\\+') : '[\\w+/=]+-1';
    assert.match(done, new RegExp(`<Checksum${algorithm}>${whole}<`));
  });
}

/** Check values of "123456789" from the catalogue of parametrised CRC algorithms, and its SHA-256. */
const checksums = {
  CRC64NVME: Buffer.from('ae8b14860a799888', 'hex').toString('base64'),
  CRC32: Buffer.from('cbf43926', 'hex').toString('base64'),
  CRC32C: Buffer.from('e3069283', 'hex').toString('base64'),
  SHA256: createHash('sha256').update('123456789').digest('base64'),
};
