import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { InferenceClient } from '@huggingface/inference';
import OpenAI from 'openai';
import { pushPackage } from '../../commands/push-package.ts';
import { cachedDecoder, decoderPackage } from '../decoder-model.ts';
import { connectServices } from './connect-services.ts';
import { type RunningPlatform, runPlatform, temporaryState } from './run-platform.ts';

let temporary: Awaited<ReturnType<typeof temporaryState>>;
let platform: RunningPlatform;
let folder: string;
let client: OpenAI;
before(async () => {
  temporary = await temporaryState();
  platform = await runPlatform(temporary.state);
  folder = await mkdtemp(join(tmpdir(), 'lambent-decoder-'));
  const { files } = decoderPackage(cachedDecoder());
  for (const [path, body] of Object.entries(files)) await writeFile(join(folder, path), body);
  const config = { ...JSON.parse(String(files['config.json'])), architectures: ['GPT2LMHeadModel'] };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  client = new OpenAI({ apiKey: platform.secret, baseURL: `${platform.url}/v1`, maxRetries: 0 });
});
after(async () => {
  await platform.end();
  await temporary.remove();
  await rm(folder, { recursive: true, force: true });
});

/** One tensor of no numbers. Source: huggingface/safetensors, README.md, "Format". */
function safetensors(header = '{"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, Buffer.from(header)]);
}

async function push(name: string, options: { host?: string; standIn?: boolean } = {}) {
  const { standIn, ...rest } = options;
  await writeFile(join(folder, 'model.json'), JSON.stringify({ ...(standIn && { standIn }) }));
  return await pushPackage(folder, connectServices(temporary.state).services, { name, ...rest });
}

const chat = { messages: [{ role: 'user', content: 'ab' }], max_completion_tokens: 10, temperature: 0 } as const;
async function ask(model: string) {
  const request = { ...chat, messages: [...chat.messages], model };
  const { data, response } = await client.chat.completions.create(request).withResponse();
  return { said: data.choices[0]?.message.content, by: response.headers.get('x-lambent-served-by') };
}

async function breakLlmHost(): Promise<string> {
  const environment = JSON.parse(readFileSync(join(temporary.state, 'environment.json'), 'utf8'));
  const url = `${environment.AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME}/_faults`;
  const match = { operation: 'InvokeEndpointWithResponseStream' };
  const fault = { match, times: 100, status: 400, errorType: 'ValidationError', message: 'no capacity to process' };
  await fetch(url, { method: 'POST', body: JSON.stringify(fault) });
  return url;
}

test('a decoder says the same on the CPU host and on the LLM host, which the CPU host stands in for', async () => {
  assert.equal((await push('on-cpu')).status, 'READY');
  await writeFile(join(folder, 'model.safetensors'), safetensors());
  for (const standIn of [true, false]) {
    const { status, model, reason } = await push(`on-llm-${standIn}`, { host: 'sagemaker', standIn });
    assert.equal(status, 'READY', reason);
    assert.ok(Object.hasOwn(model!.manifest.files, 'model.safetensors'));
    assert.equal(model!.manifest.task, 'text-generation');
  }
  const { said } = await ask('on-cpu');
  assert.ok(said);
  assert.deepEqual(await ask('on-llm-true'), { said, by: null });
  assert.deepEqual(await ask('on-llm-false'), { said, by: null });
  const faults = await breakLlmHost();
  assert.deepEqual(await ask('on-llm-true'), { said, by: 'lambda' });
  await assert.rejects(ask('on-llm-false'), { status: 429, code: 'model_not_ready' });
  await fetch(faults, { method: 'DELETE' });
  assert.deepEqual(await ask('on-llm-true'), { said, by: null });
});

test('Hugging Face’s client continues a text', async () => {
  const hub = new InferenceClient(platform.secret, { endpointUrl: `${platform.url}/models/on-cpu` });
  const parameters = { max_new_tokens: 10, do_sample: false };
  const { generated_text: text } = await hub.textGeneration({ inputs: 'dbc', parameters });
  const { choices } = await client.completions.create({
    model: 'on-cpu',
    prompt: 'dbc',
    max_tokens: 10,
    temperature: 0,
  });
  assert.equal(text, choices[0]?.text);
  const full = await hub.textGeneration({ inputs: 'dbc', parameters: { ...parameters, return_full_text: true } });
  assert.equal(full.generated_text, `dbc${text}`);
});

test('weights alone are for the LLM host; what is no safetensors file, or a pickle, is refused', async () => {
  await rm(join(folder, 'model.onnx'));
  await writeFile(join(folder, 'pytorch_model.bin'), 'left out');
  const alone = await push('weights', { host: 'sagemaker' });
  assert.equal(alone.status, 'READY', alone.reason);
  const answer = await platform.request('/models/weights/versions/1', { method: 'PUT', body: '{"host":"lambda"}' });
  assert.equal(answer.status, 409);
  const tensors = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: [1] }] });
  const infer = await platform.request('/v2/models/weights/infer', { method: 'POST', body: tensors });
  assert.equal(infer.status, 400);
  assert.match(
    (await push('replaced', { host: 'sagemaker', standIn: true })).reason ?? '',
    /standIn needs an ONNX graph/,
  );
  await writeFile(join(folder, 'model.safetensors'), 'no header at all');
  assert.match((await push('broken', { host: 'sagemaker' })).reason ?? '', /no safetensors file/);
  await assert.rejects(push('no-graph'), /has no ONNX file.*LLM host with --host sagemaker/);
});
