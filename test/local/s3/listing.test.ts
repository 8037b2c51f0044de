import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ListObjectsV2Command, type ListObjectsV2CommandInput, PutObjectCommand } from '@aws-sdk/client-s3';
import { failure, startTestS3, type TestS3 } from './start-test-s3.ts';

const Bucket = 'data';
const keys = ['a', 'a/1', 'a/2', 'a/b/1', 'b', 'b c&d', 'b+', 'c/1', 'c/2', 'd', '\uFFFD', '😀/1', '😀/2'];

let test3: TestS3;
before(async () => {
  test3 = await startTestS3();
  for (const Key of keys) await test3.client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
});
after(() => test3.close());

async function list(input: Partial<ListObjectsV2CommandInput> = {}) {
  const answer = await test3.client.send(new ListObjectsV2Command({ Bucket, ...input }));
  const contents = answer.Contents?.map(({ Key }) => Key) ?? [];
  const prefixes = answer.CommonPrefixes?.map(({ Prefix }) => Prefix) ?? [];
  assert.equal(answer.KeyCount, contents.length + prefixes.length);
  return { answer, contents, prefixes };
}

test('a listing has every key in the order of its UTF-8 bytes, with size and tag', async () => {
  const { contents, answer } = await list();
  const sorted = keys.map((key) => Buffer.from(key)).sort(Buffer.compare);
  assert.deepEqual(contents, sorted.map(String));
  assert.deepEqual([answer.IsTruncated, answer.MaxKeys], [false, 1000]);
  const { LastModified, ...first } = answer.Contents![0]!;
  const tag = '"0cc175b9c0f1b6a831c399e269772661"';
  const checksum = { ChecksumAlgorithm: ['CRC32'], ChecksumType: 'FULL_OBJECT' };
  assert.deepEqual(first, { Key: 'a', ETag: tag, Size: 1, StorageClass: 'STANDARD', ...checksum });
});

test('a prefix selects and a delimiter rolls up', async () => {
  assert.deepEqual((await list({ Prefix: 'a/' })).contents, ['a/1', 'a/2', 'a/b/1']);
  const { contents, prefixes } = await list({ Delimiter: '/' });
  assert.deepEqual(contents, ['a', 'b', 'b c&d', 'b+', 'd', '\uFFFD']);
  assert.deepEqual(prefixes, ['a/', 'c/', '😀/']);
  const below = await list({ Prefix: 'a/', Delimiter: '/' });
  assert.deepEqual([below.contents, below.prefixes], [['a/1', 'a/2'], ['a/b/']]);
  assert.deepEqual((await list({ Prefix: 'zzz' })).contents, []);
});

test('a listing begins after a key', async () => {
  assert.deepEqual((await list({ StartAfter: 'b+', Delimiter: '/' })).contents, ['d', '\uFFFD']);
  assert.deepEqual((await list({ StartAfter: 'a/1', Prefix: 'a/' })).contents, ['a/2', 'a/b/1']);
  assert.deepEqual((await list({ StartAfter: 'Z', Prefix: 'c' })).contents, ['c/1', 'c/2']);
});

test('pages of any size, with or without a delimiter, add up to the whole', async () => {
  for (const Delimiter of [undefined, '/', 'b']) {
    const whole = await list({ Delimiter });
    for (const MaxKeys of [1, 2, 3, 12, 13]) {
      const seen: (string | undefined)[] = [];
      let ContinuationToken: string | undefined;
      do {
        const page = await list({ Delimiter, MaxKeys, ContinuationToken });
        seen.push(...page.contents, ...page.prefixes);
        assert.equal(page.answer.IsTruncated, page.answer.NextContinuationToken !== undefined);
        ContinuationToken = page.answer.NextContinuationToken;
      } while (ContinuationToken);
      assert.deepEqual(seen.sort(), [...whole.contents, ...whole.prefixes].sort(), `${Delimiter} by ${MaxKeys}`);
    }
  }
});

test('a page of no keys is empty and final; a wrong number or token is refused', async () => {
  const { answer, contents } = await list({ MaxKeys: 0 });
  assert.deepEqual([contents, answer.IsTruncated], [[], false]);
  assert.deepEqual(await failure(list({ MaxKeys: -1 })), ['InvalidArgument', 400]);
  assert.deepEqual(await failure(list({ ContinuationToken: 'made up' })), ['InvalidArgument', 400]);
});

test('encoding-type=url percent-encodes keys, a space as a plus sign', async () => {
  const { contents, answer } = await list({ Prefix: 'b', EncodingType: 'url' });
  assert.deepEqual(contents, ['b', 'b+c%26d', 'b%2B']);
  assert.equal(answer.EncodingType, 'url');
  assert.deepEqual((await list({ Prefix: '😀', Delimiter: '/', EncodingType: 'url' })).prefixes, ['%F0%9F%98%80/']);
});
