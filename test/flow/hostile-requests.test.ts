import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { gatherModel } from '../onnx-model.ts';
import { pushModel } from './push-model.ts';
import { type RunningPlatform, runPlatform, temporaryState } from './run-platform.ts';

let platform: RunningPlatform;
let temporary: Awaited<ReturnType<typeof temporaryState>>;
before(async () => {
  temporary = await temporaryState();
  platform = await runPlatform(temporary.state);
  await pushModel(platform, { name: 'gather', host: 'lambda', maxBatchSize: 8 }, gatherModel());
});
after(async () => {
  await platform.end();
  await temporary.remove();
});

interface Hostile {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
}

const infer = '/v2/models/gather/infer';
const input = (fields: object) =>
  JSON.stringify({ inputs: [{ name: 'x', datatype: 'INT64', shape: [1, 1], data: [0], ...fields }] });
const binary = (length: string, body: string): Hostile => ({
  path: infer,
  headers: { 'inference-header-content-length': length },
  body,
});

const brackets = `{"inputs":[],"parameters":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`;

/** What was tried → the request. Each is answered with a 4xx in the protocol's own error body. */
const hostile: Record<string, Hostile> = {
  'an empty body': { path: infer, body: '' },
  'half of a JSON object': { path: infer, body: '{"inputs":[' },
  'JSON of another kind': { path: infer, body: '"inputs"' },
  'a million open brackets': { path: infer, body: '['.repeat(1_000_000) },
  'brackets before binary data': binary(String(brackets.length), `${brackets}1234`),
  'a tool of many brackets': {
    path: '/models/digits/v1/chat/completions',
    body: `{"messages":[],"tools":[{"function":{"parameters":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}}]}`,
  },
  'data nested beyond the limit': { path: infer, body: input({ data: JSON.parse('['.repeat(100) + ']'.repeat(100)) }) },
  'an unknown field': { path: infer, body: JSON.stringify({ inputs: [], inptus: [] }) },
  'a shape that overflows': { path: infer, body: input({ shape: [2 ** 31, 2 ** 31] }) },
  'a shape of what is no text': { path: infer, body: input({ shape: [{ toString: 1, valueOf: 1 }] }) },
  'a negative shape': { path: infer, body: input({ shape: [-1, -1] }) },
  'a shape of fractions': { path: infer, body: input({ shape: [0.5, 2] }) },
  'more elements than the shape takes': { path: infer, body: input({ data: [1, 2, 3] }) },
  'an integer beyond INT64': { path: infer, body: input({ data: [9223372036854775808n.toString()] }) },
  'a datatype that is a property of every object': { path: infer, body: input({ datatype: 'toString' }) },
  'an index that the model refuses': { path: infer, body: input({ data: [99] }) },
  'a name that is a property of every object': { path: infer, body: input({ name: '__proto__' }) },
  'a header length beyond the body': binary('999999', input({})),
  'a header length that is no number': binary('12abc', input({})),
  'a negative header length': binary('-1', input({})),
  'binary data that is not there': binary('93', input({ data: undefined, parameters: { binary_data_size: 1e9 } })),
  'bytes that are not gzip': { path: infer, headers: { 'content-encoding': 'gzip' }, body: input({}) },
  'a decompression bomb': {
    path: infer,
    headers: { 'content-encoding': 'gzip' },
    body: new Uint8Array(gzipSync(Buffer.alloc(200_000_000))),
  },
  'a bomb in deflate on a task': {
    path: '/models/digits',
    headers: { 'content-encoding': 'deflate' },
    body: new Uint8Array(deflateSync(Buffer.alloc(100_000_000))),
  },
  'a coding nobody knows': { path: infer, headers: { 'content-encoding': 'zip' }, body: input({}) },
  'a coding of 8,000 letters': { path: infer, headers: { 'content-encoding': 'a'.repeat(8_000) }, body: input({}) },
  'a sentence that is not UTF-8': {
    path: '/models/sentiment',
    headers: { 'content-type': 'text/plain' },
    body: new Uint8Array([0x61, 0xff]),
  },
  'JSON of a task that is not UTF-8': {
    path: '/models/sentiment',
    headers: { 'content-type': 'application/json' },
    body: new Uint8Array(Buffer.from('{"inputs":"\xff"}', 'latin1')),
  },
  'bytes that are not UTF-8': { path: infer, body: new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]) },
  'an unknown model': { path: '/v2/models/nothing/infer', body: input({}) },
  'a model of the prototype': { path: '/v2/models/__proto__/infer', body: input({}) },
  'an alias of the prototype': { path: '/v2/models/gather@constructor/infer', body: input({}) },
  'an alias of 8,000 letters': { path: `/v2/models/gather@${'a'.repeat(8_000)}/infer`, body: input({}) },
  'an alias to move of 8,000 letters': { path: `/models/gather/aliases/${'a'.repeat(8_000)}/rollback` },
  'a path of 8,000 letters': { path: `/v2/${'a'.repeat(8_000)}` },
  'a path out of the API': { path: '/v2/models/..%2f..%2fetc%2fpasswd/infer', body: input({}) },
  'a broken escape in the path': { path: '/v2/models/%zz/infer', body: input({}) },
  'a model name of 8,000 letters': { path: `/v2/models/${'a'.repeat(8_000)}/infer`, body: input({}) },
  'two slashes and a host': { path: '//127.0.0.1/v2', method: 'GET' },
  'a method nobody has': { path: infer, method: 'PROPFIND' },
  'a method that the path lacks': { path: infer, method: 'DELETE' },
  'a picture that is text': { path: '/models/digits', body: 'not a picture' },
  'a form': {
    path: '/models/sentiment',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: '--b--',
  },
  'a picture of nothing': { path: '/models/digits', body: '' },
  'a picture that ends early': {
    path: '/models/digits',
    body: new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0]),
  },
  'a drawing with a reference': {
    path: '/models/digits',
    body: '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
  },
  'a picture by its path': { path: '/models/digits', body: '{"inputs":"/etc/passwd"}' },
  'a picture by its address': { path: '/models/digits', body: '{"inputs":"http://127.0.0.1:1/x.png"}' },
  'a number for a sentence': { path: '/models/sentiment', body: '{"inputs":42}' },
  'an unknown parameter': { path: '/models/sentiment', body: '{"inputs":"a","parameters":{"topk":1}}' },
  'a sentence of a megabyte': { path: '/models/sentiment', body: JSON.stringify({ inputs: 'a'.repeat(1_000_000) }) },
};

function checkRefusal(status: number, text: string): void {
  assert.ok(status >= 400 && status < 500, `${status} ${text.slice(0, 300)}`);
  const { error } = JSON.parse(text) as { error: string };
  assert.ok(error.length > 10 && error.length < 1_000, error);
  assert.doesNotMatch(error, /\/home\/|\/work\/|node_modules|\.ts:|arn:aws|at \w+ \(|undefined|\[object|call stack/);
}

for (const [what, { path = infer, method = 'POST', headers = {}, body }] of Object.entries(hostile)) {
  test(`${what}: a 4xx that says what is wrong, and the platform lives on`, async () => {
    const json = typeof body === 'string' && body.startsWith('{') ? { 'content-type': 'application/json' } : {};
    const init = { method, headers: { ...json, ...headers } as Record<string, string> };
    const answer = await platform.request(path, { ...init, ...(method === 'GET' ? {} : { body: body ?? '' }) });
    const text = await answer.text();
    checkRefusal(answer.status, text);
    assert.equal((await fetch(`${platform.url}/v2/health/ready`)).status, 200);
  });
}

const seven = readFileSync(new URL('../../models/digits/golden/7.png', import.meta.url));
const photo = readFileSync(new URL('../../models/digits/golden/photo-5.jpg', import.meta.url));
const described = { name: 'x', datatype: 'INT64', shape: [1, 1], parameters: { binary_data_size: 8 } };
const outputs = [{ name: 'y', parameters: { classification: 1 } }];
const jsonType = { 'content-type': 'application/json' };
const tensors = JSON.stringify({
  id: 'a',
  parameters: { p: 1 },
  inputs: [{ ...described, parameters: { q: 'r' }, data: [[2]] }],
  outputs,
});
/** Requests that are damaged: `body`, not `binary`, which follows it and makes its length the header's. */
const valid: { path: string; headers?: Record<string, string>; body: string | Uint8Array; binary?: Uint8Array }[] = [
  { path: infer, body: tensors },
  { path: infer, body: tensors },
  { path: infer, body: JSON.stringify({ inputs: [described], outputs }), binary: new Uint8Array(8) },
  { path: infer, body: '', binary: new Uint8Array(8) },
  { path: infer, headers: { 'content-encoding': 'gzip' }, body: gzipSync(tensors) },
  { path: '/models/sentiment', headers: jsonType, body: '{"inputs":["good","bad"],"parameters":{"top_k":1}}' },
  { path: '/models/digits', headers: jsonType, body: JSON.stringify({ inputs: seven.toString('base64') }) },
  { path: '/models/digits', headers: { 'content-type': 'image/png' }, body: seven },
  { path: '/models/digits', headers: { 'content-type': 'image/jpeg' }, body: photo },
];
const words = [
  'null',
  '-1',
  '1e999',
  '[]',
  '{}',
  '"__proto__"',
  '"\\ud800"',
  '{"toString":1}',
  '9007199254740993',
  'NaN',
  '\0',
];
const damage = fc.record({
  kind: fc.constantFrom('byte', 'word', 'cut', 'gap', ...Array<string>(8).fill('token')),
  at: fc.noBias(fc.nat({ max: 999_999 })).map((millionths) => millionths / 1e6),
  byte: fc.nat({ max: 255 }),
  word: fc.constantFrom(...words),
});

/** `body` with one change; `at`, from 0 to 1, says where. */
function damaged(
  body: Uint8Array,
  { kind, at, byte, word }: { kind: string; at: number; byte: number; word: string },
): Uint8Array {
  const text = Buffer.from(body).toString('latin1');
  const place = Math.floor(at * text.length);
  const before = text.slice(0, place);
  if (kind === 'cut') return Buffer.from(before, 'latin1');
  if (kind === 'gap') return Buffer.from(before + text.slice(place + byte / 16), 'latin1');
  if (kind === 'word') return Buffer.from(before + word + text.slice(place), 'latin1');
  if (kind === 'byte') return Buffer.from(before + String.fromCharCode(byte) + text.slice(place + 1), 'latin1');
  const tokens = [...text.matchAll(/(?=("[^"]*"|-?\d+|\[[^[\]]*\]|\{[^{}]*\}))/g)];
  const token = tokens[Math.floor(at * tokens.length)];
  const [start, end] = token ? [token.index, token.index + token[1]!.length] : [place, place];
  return Buffer.from(text.slice(0, start) + word + text.slice(end), 'latin1');
}

test('2,000 damaged requests are each answered or refused in the words of the protocol', async () => {
  const seed = 20_261_127;
  const requests = fc.sample(fc.tuple(fc.constantFrom(...valid), fc.array(damage, { minLength: 1, maxLength: 2 })), {
    numRuns: 2_000,
    seed,
  });
  const ask = async ([{ path, headers, body, binary }, damages]: (typeof requests)[number]) => {
    const json = damages.reduce(damaged, new Uint8Array(Buffer.from(body)));
    const sent = Buffer.concat([json, binary ?? new Uint8Array(0)]);
    const length = binary && { 'inference-header-content-length': String(json.length) };
    const init = { method: 'POST', headers: { ...headers, ...length }, body: new Uint8Array(sent) };
    const answer = await platform.request(path, init);
    const text = await answer.text();
    if (answer.status === 200) return;
    try {
      checkRefusal(answer.status, text);
    } catch (cause) {
      throw new Error(`${path} ${sent.toString('latin1').slice(0, 500)}`, { cause });
    }
  };
  while (requests.length > 0) await Promise.all(requests.splice(0, 10).map(ask));
  assert.equal((await fetch(`${platform.url}/v2/health/ready`)).status, 200);
});

test('what is not HTTP closes one connection', async () => {
  for (const bytes of ['\0\0\0\0', 'GET / HTTP/9.9\r\n\r\n', `GET / HTTP/1.1\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`]) {
    const { hostname, port } = new URL(platform.url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname, () => socket.write(bytes));
      socket
        .on('close', () => resolve())
        .on('error', () => {})
        .resume();
    });
  }
  assert.equal((await fetch(`${platform.url}/v2/health/live`)).status, 200);
});
