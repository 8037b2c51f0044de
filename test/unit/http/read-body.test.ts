import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { readBody } from '../../../functions/http/read-body.ts';

const read = (bytes: Buffer, coding: string | undefined, maxBytes = 100) =>
  readBody(
    { body: bytes.toString('base64'), isBase64Encoded: true } as APIGatewayProxyEvent,
    coding === undefined ? {} : { 'content-encoding': coding },
    maxBytes,
  );

test('a body comes out as it was before it was compressed', async () => {
  const text = Buffer.from('{"inputs":"fine"}');
  for (const [coding, bytes] of [
    [undefined, text],
    ['identity', text],
    ['gzip', gzipSync(text)],
    ['GZIP', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
  ] as const) {
    assert.deepEqual(await read(bytes, coding), text, String(coding));
  }
});

test('a body that is too large is refused before and after decompression', async () => {
  const code = 'payload_too_large';
  await assert.rejects(read(Buffer.alloc(101), undefined), { code });
  await assert.rejects(read(gzipSync(Buffer.alloc(1_000_000)), 'gzip'), { code });
  assert.equal((await read(Buffer.alloc(100), undefined)).length, 100);
});

test('bytes that are not what content-encoding says, and other codings, are refused', async () => {
  await assert.rejects(read(Buffer.from('plain'), 'gzip'), { code: 'invalid_request' });
  await assert.rejects(read(gzipSync('cut off').subarray(0, 12), 'gzip'), { code: 'invalid_request' });
  await assert.rejects(read(Buffer.from('plain'), 'br'), { code: 'unsupported_media_type' });
});
