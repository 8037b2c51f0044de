import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  InvokeEndpointCommand,
  InvokeEndpointWithResponseStreamCommand,
  ModelError,
  SageMakerRuntimeClient,
  ValidationError,
} from '@aws-sdk/client-sagemaker-runtime';
import { inferenceComponentName, modelFileKey } from '../../functions/storage/object-keys.ts';
import { type S3StandIn, startS3 } from '../../local/s3/s3.ts';
import { startSagemaker } from '../../local/sagemaker/start-sagemaker.ts';
import type { Supervisor } from '../../local/supervisor.ts';
import { cachedDecoder, continuation, decoderPackage } from '../decoder-model.ts';

const framings = ['jsonlines', 'sse'] as const;
let directory: string;
let s3: S3StandIn;
let endpoints: Supervisor[];
let clients: SageMakerRuntimeClient[];

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lambent-llm-'));
  s3 = await startS3({ directory, buckets: ['artifacts'] });
  const { manifest, files } = decoderPackage(cachedDecoder());
  for (const [path, body] of Object.entries({ ...files, 'model.json': Buffer.from(JSON.stringify(manifest)) })) {
    const key = modelFileKey('decoder', '1', path);
    const put = await fetch(`${s3.url}/artifacts/${key}`, { method: 'PUT', body: new Uint8Array(body) });
    assert.equal(put.status, 200);
  }
  const environment = { AWS_ENDPOINT_URL_S3: s3.url, ARTIFACTS_BUCKET: 'artifacts' };
  const start = (framing: (typeof framings)[number]) =>
    startSagemaker({ endpointName: 'models', llmEndpointName: 'llm', environment, framing });
  endpoints = await Promise.all(framings.map(start));
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  clients = endpoints.map(
    ({ url }) => new SageMakerRuntimeClient({ endpoint: url, region: 'us-east-1', credentials, maxAttempts: 1 }),
  );
});
after(async () => {
  for (const client of clients) client.destroy();
  await Promise.all(endpoints.map((endpoint) => endpoint.close()));
  await s3.close();
  await rm(directory, { recursive: true });
});

function ask(body: object, client = clients[0]!, component = inferenceComponentName('decoder', '1')) {
  const input = {
    EndpointName: 'llm',
    InferenceComponentName: component,
    ContentType: 'application/json',
    Body: Buffer.from(JSON.stringify({ stream: true, temperature: 0, max_tokens: 8, ...body })),
  };
  return client.send(new InvokeEndpointWithResponseStreamCommand(input));
}

async function readText(answer: Awaited<ReturnType<typeof ask>>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const { PayloadPart } of answer.Body ?? []) parts.push(PayloadPart?.Bytes ?? new Uint8Array());
  return Buffer.concat(parts).toString();
}

const bytes = ['a', 'b', 'c', 'd', '\u00c3', '\u00a9'];
const toText = (ids: readonly number[]) => Buffer.from(ids.map((id) => bytes[id]).join(''), 'latin1').toString();

test('a container streams chunks of OpenAI’s API, as lines of JSON or as server-sent events', async () => {
  const said = toText(continuation([3, 1, 2], 8));
  for (const [index, framing] of framings.entries()) {
    const answer = await ask({ prompt: 'dbc', stream_options: { include_usage: true } }, clients[index]);
    assert.equal(answer.ContentType, framing === 'sse' ? 'text/event-stream' : 'application/jsonlines');
    const lines = (await readText(answer)).split('\n').filter(Boolean);
    const data = framing === 'sse' ? lines.map((line) => line.slice('data: '.length)) : lines;
    if (framing === 'sse') assert.equal(data.pop(), '[DONE]');
    const chunks = data.map((line) => JSON.parse(line));
    assert.equal(chunks.map(({ choices }) => choices[0]?.text ?? '').join(''), said);
    assert.deepEqual(chunks.at(-1).usage, { prompt_tokens: 3, completion_tokens: 8, total_tokens: 11 });
    assert.equal(chunks.at(-2).choices[0].finish_reason, 'length');
  }
});

test('a chat goes through the chat template', async () => {
  const text = await readText(await ask({ messages: [{ role: 'user', content: 'ab' }] }));
  const chunks = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const said = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
  assert.equal(said, toText(continuation([6, 0, 1, 6], 8)));
});

test('what the container refuses is a ModelError with its status and message', async () => {
  await assert.rejects(ask({ prompt: 'a'.repeat(100) }), (error: unknown) => {
    const refused = error instanceof ModelError && error.OriginalStatusCode === 400;
    return refused && /holds 64/.test(error.OriginalMessage ?? '');
  });
});

test('an unknown inference component is a ValidationError; what is not supported is refused with 501', async () => {
  await assert.rejects(ask({ prompt: 'a' }, clients[0], 'other-1'), ValidationError);
  const isRefused = (error: ModelError) => error.$metadata.httpStatusCode === 501;
  await assert.rejects(ask({ prompt: 'a', adapters: 'formal' }), isRefused);
  const component = inferenceComponentName('decoder', '1');
  const whole = new InvokeEndpointCommand({
    EndpointName: 'llm',
    InferenceComponentName: component,
    Body: Buffer.of(1),
  });
  await assert.rejects(clients[0]!.send(whole), isRefused);
});

test('names of inference components are those that SageMaker allows, and differ where versions do', () => {
  const names = [
    ['a.b', '1'],
    ['a-b', '1'],
    ['a', 'b-1'],
    ['x'.repeat(63), 'y'.repeat(32)],
  ] as const;
  const components = names.map(([model, version]) => inferenceComponentName(model, version));
  for (const component of components) assert.match(component, /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/);
  assert.equal(new Set(components).size, names.length);
});
