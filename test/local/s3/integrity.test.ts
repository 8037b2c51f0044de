import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request as send } from 'node:http';
import { after, before, test } from 'node:test';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { createClient, startTestS3, type TestS3 } from './start-test-s3.ts';

let test3: TestS3;
before(async () => {
  test3 = await startTestS3();
});
after(() => test3.close());

/** Status and error code of a PUT whose body is sent in these pieces. */
function put(key: string, headers: Record<string, string | number>, ...pieces: (string | Buffer)[]) {
  return new Promise<string>((resolve, reject) => {
    const request = send(`${test3.s3.url}/data/${key}`, { method: 'PUT', headers }, async (response) => {
      const text = String(Buffer.concat(await response.toArray()));
      resolve(`${response.statusCode} ${/<Code>(\w+)</.exec(text)?.[1] ?? ''}`.trim());
    });
    request.on('error', reject);
    for (const piece of pieces) request.write(piece);
    request.end();
  });
}
const read = async (key: string) => (await fetch(`${test3.s3.url}/data/${key}`)).text();
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

const right: Record<string, string> = {
  'content-md5': base64('25f9e794323b453885f5181f1b624d0b'),
  'x-amz-content-sha256': createHash('sha256').update('123456789').digest('hex'),
  'x-amz-checksum-crc32': base64('cbf43926'),
  'x-amz-checksum-crc32c': base64('e3069283'),
  'x-amz-checksum-crc64nvme': base64('ae8b14860a799888'),
  'x-amz-checksum-sha1': base64('f7c3bc1d808e04732adf679965ccc34ca7ae3441'),
  'x-amz-checksum-sha256': createHash('sha256').update('123456789').digest('base64'),
};

test('a body that is what its digest says is stored, any other is refused and leaves the old object', async () => {
  for (const [name, value] of Object.entries(right)) {
    const key = `digest-${name}`;
    const code = name === 'x-amz-content-sha256' ? 'XAmzContentSHA256Mismatch' : 'BadDigest';
    assert.equal(await put(key, { 'content-length': 9, [name]: value }, '123456789'), '200', name);
    assert.equal(await put(key, { 'content-length': 9, [name]: value }, '12345678X'), `400 ${code}`, name);
    assert.equal(await read(key), '123456789');
  }
  assert.equal(await put('k', { 'content-length': 1, 'content-md5': 'short' }, 'x'), '400 InvalidDigest');
  assert.equal(await put('k', { 'content-length': 1, 'x-amz-checksum-xxh9': 'AA==' }, 'x'), '501 NotImplemented');
  const two = { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-sha1': 'AAAA' };
  assert.equal(await put('k', { 'content-length': 1, ...two }, 'x'), '400 InvalidRequest');
});

const chunked = {
  'content-encoding': 'aws-chunked',
  'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  'x-amz-decoded-content-length': 9,
  'x-amz-trailer': 'x-amz-checksum-crc32',
};
const trailer = `x-amz-checksum-crc32:${right['x-amz-checksum-crc32']}\r\n\r\n`;

test('aws-chunked bodies are decoded wherever the network cuts them', async () => {
  const body = Buffer.from(`4\r\n1234\r\n5;chunk-signature=0\r\n56789\r\n0\r\n${trailer}`);
  for (let cut = 1; cut < body.length; cut++) {
    assert.equal(await put('cut', chunked, body.subarray(0, cut), body.subarray(cut)), '200', `cut at ${cut}`);
    assert.equal(await read('cut'), '123456789');
  }
  const signed = { ...chunked, 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'x-amz-trailer': '' };
  assert.equal(await put('cut', signed, '9;chunk-signature=0\r\n123456789\r\n0;chunk-signature=0\r\n\r\n'), '200');
});

test('a broken aws-chunked body is refused', async () => {
  const cases: [string, string][] = [
    [`9\r\n12345678X\r\n0\r\n${trailer}`, '400 BadDigest'],
    [`8\r\n12345678\r\n0\r\n${trailer}`, '400 IncompleteBody'],
    ['9\r\n123456789\r\n', '400 IncompleteBody'],
    ['9\r\n1234567890\r\n0\r\n\r\n', '400 IncompleteBody'],
    ['nine\r\n123456789\r\n0\r\n\r\n', '400 IncompleteBody'],
    ['9\r\n123456789\r\n0\r\n\r\n', '400 MalformedTrailerError'],
    ['9\r\n123456789\r\n0\r\nno colon\r\n\r\n', '400 MalformedTrailerError'],
    ['9'.repeat(20_000), '400 IncompleteBody'],
  ];
  for (const [body, expected] of cases) assert.equal(await put('broken', chunked, body), expected, body.slice(0, 60));
  assert.equal((await fetch(`${test3.s3.url}/data/broken`)).status, 404);
});

test('a body without a length is refused, as S3 does', async () => {
  assert.equal(await put('k', {}, 'of unknown length'), '411 MissingContentLength');
});

test('a body whose connection breaks is not stored', async () => {
  await new Promise<void>((resolve) => {
    const options = { method: 'PUT', headers: { 'content-length': 100 } };
    const request = send(`${test3.s3.url}/data/half`, options).on('error', () => resolve());
    request.write('half', () => request.destroy(new Error('gone')));
  });
  assert.equal((await fetch(`${test3.s3.url}/data/half`)).status, 404);
});

test('a presigned URL writes and reads until it expires', async () => {
  const object = { Bucket: 'data', Key: 'signed ü+' };
  // At its defaults the SDK signs the checksum of an empty body, and then only that may be uploaded, as on AWS.
  const emptyOnly = await getSignedUrl(test3.client, new PutObjectCommand(object), { expiresIn: 60 });
  assert.equal((await fetch(emptyOnly, { method: 'PUT', body: '123456789' })).status, 400);
  const signer = createClient(test3.s3.url, { requestChecksumCalculation: 'WHEN_REQUIRED' });
  const write = await getSignedUrl(signer, new PutObjectCommand(object), { expiresIn: 60 });
  const written = await fetch(write, { method: 'PUT', body: '123456789' });
  assert.equal(written.status, 200, await written.text());
  const get = new GetObjectCommand({ ...object, ResponseContentType: 'text/x-special' });
  const answer = await fetch(await getSignedUrl(test3.client, get));
  assert.deepEqual([await answer.text(), answer.headers.get('content-type')], ['123456789', 'text/x-special']);
  const signingDate = new Date(Date.now() - 61_000);
  const expired = await fetch(await getSignedUrl(test3.client, get, { expiresIn: 60, signingDate }));
  assert.equal(expired.status, 403);
  assert.match(await expired.text(), /<Code>AccessDenied<.*Request has expired/);
  const old = `${test3.s3.url}/data/k?AWSAccessKeyId=local&Signature=x&Expires=`;
  assert.equal((await fetch(`${old}1000000000`)).status, 403);
  assert.equal((await fetch(`${old}99999999999`)).status, 404);
});

test('hostile paths and documents are answered with a 4xx', async () => {
  const status = async (path: string, init?: RequestInit) => (await fetch(test3.s3.url + path, init)).status;
  assert.equal(await status('/data/%ff'), 400);
  assert.equal(await status('/Not_A_Bucket', { method: 'PUT' }), 400);
  assert.equal(await status('/_faults2', { method: 'PUT' }), 400);
  const md5 = (body: string) => ({ 'content-md5': createHash('md5').update(body).digest('base64') });
  const documents = ['', '<Delete>', '<Delete/>', '<a></b>', '<Delete><Object><Key>&#xD800;</Key></Object></Delete>'];
  for (const body of documents) {
    assert.equal(await status('/data?delete', { method: 'POST', body, headers: md5(body) }), 400, body);
  }
  const noDigest = '<Delete><Object><Key>k</Key></Object></Delete>';
  assert.equal(await status('/data?delete', { method: 'POST', body: noDigest }), 400);
});
