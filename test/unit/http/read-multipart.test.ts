import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as z from 'zod';
import { ServiceError } from '../../../functions/errors.ts';
import { readMultipart } from '../../../functions/http/read-multipart.ts';

const anything = z.record(z.string(), z.unknown());
const type = 'multipart/form-data; boundary=edge';
const part = (disposition: string, content: string | Buffer, more = '') =>
  Buffer.concat([
    Buffer.from(`--edge\r\nContent-Disposition: form-data; ${disposition}\r\n${more}\r\n`),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ]);
const form = (...parts: Buffer[]) => Buffer.concat([...parts, Buffer.from('--edge--\r\n')]);
const read = (body: Buffer, contentType = type) =>
  readMultipart({ headers: { 'content-type': contentType }, body }, anything);

test('fields, lists, objects and a file with bytes of any kind come as they were sent', async () => {
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256));
  const body = form(
    part('name="model"', 'größe 😀'),
    part('name="granularities[]"', 'word'),
    part('name="granularities[]"', 'segment'),
    part('name="expires_after[anchor]"', 'created_at'),
    part('name="expires_after[seconds]"', '3600'),
    part('name="file"; filename="a b.wav"', bytes, 'Content-Type: audio/wav\r\n'),
    part('name="__proto__"', 'x'),
  );
  const { file, ...fields } = await read(body);
  assert.deepEqual(fields, {
    model: 'größe 😀',
    granularities: ['word', 'segment'],
    expires_after: { anchor: 'created_at', seconds: '3600' },
  });
  assert.deepEqual(
    { ...(file as object) },
    { filename: 'a b.wav', contentType: 'audio/wav', bytes: new Uint8Array(bytes) },
  );
  assert.equal(({} as { x?: string }).x, undefined);
});

test('what is no form, is cut off or goes beyond a limit is refused with what is wrong', async () => {
  const refusals: [Buffer, RegExp, string?][] = [
    [form(), /application\/json; multipart\/form-data is needed/, 'application/json'],
    [form(), /not the multipart/, 'multipart/form-data; charset=utf-8'],
    [Buffer.from('no form at all'), /not the multipart/],
    [Buffer.alloc(0), /not the multipart/],
    [part('name="file"; filename="a"', 'abc').subarray(0, -2), /not the multipart/],
    [form(...Array.from({ length: 60 }, (_, i) => part(`name="f${i}"`, 'x'))), /more than 50 fields/],
    [form(part('name="a"', 'x'.repeat(200_000))), /more than 100000 bytes/],
    [form(part('name="a"; filename="a"', ''), part('name="b"; filename="b"', '')), /more than one file/],
  ];
  for (const [body, message, contentType] of refusals) {
    await assert.rejects(read(body, contentType), (error: ServiceError) => {
      assert.ok(error instanceof ServiceError && error.status < 500, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});

test('a form cut at any byte and forms of noise are read or refused, and never hang', async () => {
  const whole = form(part('name="model"', 'm'), part('name="file"; filename="f"', 'abc\r\n--edg'));
  const noise = fc.oneof(
    fc.integer({ min: 0, max: whole.length }).map((end) => whole.subarray(0, end)),
    fc
      .array(
        fc.constantFrom(
          '--edge',
          '\r\n',
          '--',
          'Content-Disposition: form-data; name="a"',
          '; filename="b"',
          '\0',
          'é',
        ),
      )
      .map((parts) => Buffer.from(parts.join(''))),
  );
  await fc.assert(
    fc.asyncProperty(noise, async (body) => {
      const failure = await read(body).then(
        () => undefined,
        (error: unknown) => error,
      );
      assert.ok(failure === undefined || failure instanceof ServiceError, String(failure));
    }),
    { seed: 6, numRuns: 300 },
  );
});
