import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import OpenAI, { BadRequestError, NotFoundError, toFile } from 'openai';
import { connectServices } from '../flow/connect-services.ts';
import { pushFiles, pushFolder, pushModel } from '../flow/push-model.ts';
import { type RunningPlatform, runPlatform, temporaryState } from '../flow/run-platform.ts';
import { onnxModel } from '../onnx-model.ts';
import { bertTokenizer } from '../tokenizer-files.ts';
import { lookupGraph } from '../unit/tasks/hosted-task.ts';

let platform: RunningPlatform;
let temporary: Awaited<ReturnType<typeof temporaryState>>;
let client: OpenAI;
const connect = ({ url }: RunningPlatform, apiKey: string) =>
  new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0 });
before(async () => {
  temporary = await temporaryState();
  platform = await runPlatform(temporary.state);
  client = connect(platform, platform.secret);
  const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'up'];
  const vectors = words.map((_, at) => [at, 1]);
  await pushFiles(
    platform,
    { name: 'words', task: 'feature-extraction' },
    {
      'model.onnx': onnxModel(lookupGraph({ last_hidden_state: vectors })),
      'tokenizer.json': Buffer.from(JSON.stringify(bertTokenizer(words))),
    },
  );
});
after(async () => {
  await platform.end();
  await temporary.remove();
});

type Endpoint = OpenAI.BatchCreateParams['endpoint'];

async function begin(endpoint: string, bodies: readonly unknown[], more: Partial<OpenAI.BatchCreateParams> = {}) {
  const lines = bodies.map((body, i) => JSON.stringify({ custom_id: `r-${i}`, method: 'POST', url: endpoint, body }));
  return await beginWith(endpoint, lines.join('\n'), more);
}

async function beginWith(endpoint: string, text: string, more: Partial<OpenAI.BatchCreateParams> = {}) {
  const file = await client.files.create({ file: await toFile(Buffer.from(text), 'in.jsonl'), purpose: 'batch' });
  const asked = { input_file_id: file.id, endpoint: endpoint as Endpoint, completion_window: '24h' } as const;
  return await client.batches.create({ ...asked, ...more });
}

/** What it has become when nothing more happens to it. */
async function ended(id: string): Promise<OpenAI.Batch> {
  for (;;) {
    const batch = await client.batches.retrieve(id);
    if (['completed', 'failed', 'cancelled', 'expired'].includes(batch.status)) return batch;
    await wait(100);
  }
}

interface Line {
  id: string;
  custom_id: string;
  response: { status_code: number; request_id: string; body: Record<string, unknown> };
  error: null;
}

async function lines(file: string | undefined): Promise<Line[]> {
  const text = await (await client.files.content(file!)).text();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

test('a batch of embeddings is answered line by line, and what fails comes in the error file', async () => {
  const bodies = Array.from({ length: 60 }, (_, i) => {
    return i % 10 === 3 ? { model: 'nothing', input: 'up' } : { model: 'words', input: 'up', dimensions: 2 };
  });
  const batch = await begin('/v1/embeddings', bodies, { metadata: { night: 'one' } });
  assert.match(batch.id, /^batch_[0-9a-f]{32}$/);
  assert.deepEqual([batch.object, batch.endpoint, batch.metadata], ['batch', '/v1/embeddings', { night: 'one' }]);
  const done = await ended(batch.id);
  assert.deepEqual([done.status, done.request_counts], ['completed', { total: 60, completed: 54, failed: 6 }]);
  assert.ok(done.completed_at! >= done.created_at && done.expires_at === done.created_at + 86_400);
  const answers = await lines(done.output_file_id);
  const asked = { model: 'words', input: 'up', dimensions: 2, encoding_format: 'float' } as const;
  const expected = (await client.embeddings.create(asked)).data[0]!.embedding;
  assert.deepEqual(
    answers.map(({ custom_id }) => custom_id),
    bodies.flatMap(({ model }, i) => (model === 'words' ? [`r-${i}`] : [])),
  );
  for (const { response, error } of answers) {
    const { data } = response.body as unknown as OpenAI.CreateEmbeddingResponse;
    assert.deepEqual([response.status_code, error, data[0]?.embedding], [200, null, expected]);
  }
  const failures = await lines(done.error_file_id);
  assert.deepEqual(
    failures.map(({ custom_id, response }) => [custom_id, response.status_code]),
    [3, 13, 23, 33, 43, 53].map((i) => [`r-${i}`, 404]),
  );
  assert.match(JSON.stringify(failures[0]?.response.body), /model_not_found/);
  assert.equal(new Set([...answers, ...failures].map(({ id }) => id)).size, 60);
  const file = await client.files.retrieve(done.output_file_id!);
  assert.deepEqual([file.purpose, file.filename], ['batch_output', `${batch.id}_output.jsonl`]);
});

test('a batch asks any task by its path', async () => {
  const batch = await begin('/models/sentiment', [{ inputs: 'great phone' }, { inputs: 42 }]);
  const done = await ended(batch.id);
  const [answer] = await lines(done.output_file_id);
  assert.equal((answer!.response.body as unknown as { label: string }[][])[0]?.[0]?.label, 'positive');
  const [failure] = await lines(done.error_file_id);
  assert.deepEqual([failure?.custom_id, failure?.response.status_code], ['r-1', 400]);
});

test('a batch is cancelled, listed page by page, and seen by its key alone', async () => {
  const batch = await begin(
    '/v1/embeddings',
    Array.from({ length: 3000 }, () => ({ model: 'words', input: 'up' })),
  );
  const { status } = await client.batches.cancel(batch.id);
  assert.ok(status === 'cancelling' || status === 'cancelled', status);
  const done = await ended(batch.id);
  assert.equal(done.status, 'cancelled');
  assert.ok(done.cancelled_at! >= done.cancelling_at!);
  assert.ok(done.request_counts!.completed < 3000);
  const all: string[] = [];
  for await (const { id } of client.batches.list({ limit: 1 })) all.push(id);
  assert.deepEqual([all.length, all[0]], [3, batch.id]);
  const { secret } = await connectServices(platform.state).services.createApiKey('stranger');
  const stranger = new OpenAI({ apiKey: secret, baseURL: `${platform.url}/v1`, maxRetries: 0 });
  assert.deepEqual((await stranger.batches.list()).data, []);
  await assert.rejects(stranger.batches.retrieve(batch.id), NotFoundError);
  assert.equal((await client.batches.cancel(batch.id)).status, 'cancelled');
  await assert.rejects(client.batches.cancel(all.at(-1)!), BadRequestError);
});

test('what cannot be a batch is refused, and a file without a request fails', async () => {
  const refused = (message: RegExp) => (error: unknown) =>
    error instanceof BadRequestError && message.test(error.message);
  await assert.rejects(begin('/v1/images/generations', [{}]), refused(/jobs ask \/v1\/chat/));
  await assert.rejects(begin('/v1/embeddings', [{}], { completion_window: '1h' as '24h' }), refused(/24h/));
  const file = await client.files.create({ file: await toFile(Buffer.from('x'), 'x'), purpose: 'user_data' });
  const asked = { input_file_id: file.id, endpoint: '/v1/embeddings', completion_window: '24h' } as const;
  await assert.rejects(client.batches.create(asked), refused(/purpose/));
  await assert.rejects(client.batches.create({ ...asked, input_file_id: 'file-x' }), NotFoundError);
  await assert.rejects(
    begin('/v1/audio/transcriptions', [{}]),
    refused(/\/models\/\{model\}, with the sound in base64/),
  );
  const broken = await begin('/v1/embeddings', ['no request']);
  const done = await ended(broken.id);
  const { code, line, param } = done.errors!.data![0]!;
  assert.deepEqual([done.status, code, line, param], ['failed', 'invalid_request', 1, 'body']);
});

test('a batch is refused as a whole, with lines, for what is no request and for a custom_id that comes again', async () => {
  const line = (custom_id: string | undefined, url = '/v1/embeddings') =>
    JSON.stringify({ custom_id, method: 'POST', url, body: { model: 'words', input: 'up' } });
  const text = [line('a'), '', line('a'), '{', line(undefined), line('b', '/v1/completions')].join('\r\n');
  const done = await ended((await beginWith('/v1/embeddings', text)).id);
  assert.deepEqual([done.status, done.output_file_id, done.error_file_id], ['failed', undefined, undefined]);
  assert.ok(done.failed_at! >= done.created_at);
  assert.deepEqual(
    done.errors!.data!.map(({ code, line, param }) => [code, line, param]),
    [
      ['duplicate_custom_id', 3, 'custom_id'],
      ['invalid_json_line', 4, null],
      ['missing_required_parameter', 5, 'custom_id'],
      ['url_mismatch', 6, 'url'],
    ],
  );
  const empty = await ended((await beginWith('/v1/embeddings', '\n')).id);
  assert.deepEqual([empty.status, empty.errors!.data![0]!.code], ['failed', 'empty_file']);
});

test('a batch of tensors keeps every digit of INT64, and says where outputs cannot stand in a line', async () => {
  const value = (name: string) => ({ name, datatype: 'INT64' as const, shape: [-1] });
  const nodes = [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }];
  await pushModel(platform, { name: 'same' }, onnxModel({ nodes, inputs: [value('x')], outputs: [value('y')] }));
  const data = '[9223372036854775807,-9007199254740993]';
  const tensor = (more: string) =>
    `{"inputs":[{"name":"x","datatype":"INT64","shape":[2],"data":${data}}],"outputs":[{"name":"y"${more}}]}`;
  const endpoint = '/v2/models/same/infer';
  const line = (id: string, body: string) => `{"custom_id":"${id}","method":"POST","url":"${endpoint}","body":${body}}`;
  const text = [line('json', tensor('')), line('binary', tensor(',"parameters":{"binary_data":true}'))].join('\n');
  const done = await ended((await beginWith(endpoint, text)).id);
  assert.ok((await (await client.files.content(done.output_file_id!)).text()).includes(`"data":${data}`));
  const [failure] = await lines(done.error_file_id);
  assert.match(JSON.stringify(failure), /"binary".*asked for in binary; the answers of a job are JSON/);
});

test('chats are answered as they are directly, once each, though the platform is killed among them', async () => {
  await pushFolder(platform, 'models/storyteller');
  const messages = [{ role: 'user' as const, content: 'Tell me a story.' }];
  const chat = (seed: number) => ({ model: 'storyteller', messages, max_tokens: 12, temperature: 1, seed });
  const others = [
    { ...chat(1), n: 2, stop: 'the', logprobs: true, top_logprobs: 2 },
    { ...chat(2), response_format: { type: 'json_object' as const } },
    { ...chat(3), stream: true },
    { ...chat(4), model: 'nothing' },
  ];
  const bodies = [...others, ...Array.from({ length: 116 }, (_, seed) => chat(seed))];
  const { id } = await begin('/v1/chat/completions', bodies);
  while ((await client.batches.retrieve(id)).request_counts!.completed === 0) await wait(20);
  await platform.end('SIGKILL');
  const { secret } = platform;
  platform = await runPlatform(temporary.state);
  client = connect(platform, secret);
  const done = await ended(id);
  assert.deepEqual([done.status, done.request_counts], ['completed', { total: 120, completed: 118, failed: 2 }]);
  const answers = await lines(done.output_file_id);
  const failures = await lines(done.error_file_id);
  assert.deepEqual(
    failures.map(({ custom_id, response }) => [custom_id, response.status_code]),
    [
      ['r-2', 400],
      ['r-3', 404],
    ],
  );
  assert.deepEqual(
    answers.map(({ custom_id }) => custom_id),
    bodies.flatMap((_, i) => (i === 2 || i === 3 ? [] : [`r-${i}`])),
  );
  for (const i of [0, 1, 4, 61, 119]) {
    const { choices } = await client.chat.completions.create({ ...bodies[i]!, stream: false });
    const answer = answers.find(({ custom_id }) => custom_id === `r-${i}`)!;
    assert.deepEqual(answer.response.body.choices, choices);
  }
});

test('a batch whose file is removed ends as failed, with the answers that there are', async () => {
  const chat = { model: 'storyteller', messages: [{ role: 'user', content: 'Go on.' }], max_tokens: 12 };
  const batch = await begin(
    '/v1/chat/completions',
    Array.from({ length: 200 }, () => chat),
  );
  while ((await client.batches.retrieve(batch.id)).request_counts!.completed === 0) await wait(20);
  await client.files.delete(batch.input_file_id);
  const done = await ended(batch.id);
  assert.equal(done.status, 'failed');
  assert.match(
    done.errors!.data![0]!.message!,
    new RegExp(`could not be run: file ${batch.input_file_id} is not there`),
  );
  assert.equal((await lines(done.output_file_id)).length, done.request_counts!.completed);
});
