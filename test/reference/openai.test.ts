import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { ServiceError } from '../../functions/errors.ts';
import type { GenerationEvent } from '../../functions/generation/generation.ts';
import { openaiChatRoutes } from '../../functions/http/openai-chat.ts';
import { openaiCompletionRoutes } from '../../functions/http/openai-completions.ts';
import { openaiEmbeddingRoutes } from '../../functions/http/openai-embeddings.ts';
import { openaiModelRoutes } from '../../functions/http/openai-models.ts';
import { renderOpenaiError } from '../../functions/http/render-error.ts';
import { createTensor } from '../../functions/inference/tensor.ts';
import { modelVersionSchema } from '../../functions/registry/model-manifest.ts';
import type { Services } from '../../functions/services.ts';
import { bertTokenizer } from '../tokenizer-files.ts';

/** OpenAI's published description. */
const file = '../shared/data/openai/inference-subset.normalized.json';
const skip = existsSync(file) ? false : `${file} is not there`;

const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'up'];
const model = {
  ...modelVersionSchema.parse({
    manifest: { name: 'any', version: '1', task: 'feature-extraction', files: {} },
    inputs: [{ name: 'input_ids', datatype: 'INT64', shape: [-1, -1] }],
    outputs: [],
  }),
  assets: { 'tokenizer.json': bertTokenizer(words) },
};
const logprobs = [{ token: 'é', logprob: -0.5, top: [{ token: 'é', logprob: -0.5 }] }];
const events: GenerationEvent[] = [
  { kind: 'delta', text: 'é', logprobs },
  { kind: 'delta', text: '', toolCalls: [{ index: 0, id: 'c1', name: 'time', arguments: '{}' }] },
  { kind: 'end', finishReason: 'stop', promptTokens: 3, completionTokens: 1 },
];
const services = {
  listModelEntries: async () => [{ name: 'any', aliases: { production: '1' }, versions: ['1'], revision: 1 }],
  readModelEntry: async () => ({ name: 'any', aliases: { production: '1' }, versions: ['1'], revision: 1 }),
  readModel: async () => model,
  readRegistration: async () => ({ startedAt: '2026-11-23T00:00:00Z' }),
  infer: async () => ({
    response: {
      model_name: 'any',
      model_version: '1',
      outputs: [createTensor('last_hidden_state', 'FP32', [1, 3, 2], new Float32Array(6))],
    },
  }),
  async *generate() {
    yield* events;
  },
} as unknown as Services;

const routes = [...openaiModelRoutes, ...openaiEmbeddingRoutes, ...openaiChatRoutes, ...openaiCompletionRoutes];

async function ask(method: string, path: string, body?: object): Promise<unknown> {
  const route = routes.find((each) => each.method === method && each.path === path)!;
  const request = { method, path, query: {}, headers: {}, requestId: 'r', deadline: Date.now() + 10_000 };
  const parameters = { model: 'any' };
  const response = await route.handle(
    { ...request, parameters, body: Buffer.from(JSON.stringify(body ?? null)) },
    services,
  );
  return response.body;
}

const chat = { model: 'any', messages: [{ role: 'user', content: 'up' }], logprobs: true, top_logprobs: 1 };
const text = { model: 'any', prompt: 'up', logprobs: 1 };
const answers: [schema: string, method: string, path: string, body?: object][] = [
  ['ListModelsResponse', 'GET', '/v1/models'],
  ['Model', 'GET', '/v1/models/{model}'],
  ['CreateEmbeddingResponse', 'POST', '/v1/embeddings', { model: 'any', input: 'up' }],
  ['CreateChatCompletionResponse', 'POST', '/v1/chat/completions', chat],
  ['CreateCompletionResponse', 'POST', '/v1/completions', text],
];

for (const [name, method, path, body] of answers) {
  test(`the answer of ${method} ${path} is a ${name} of OpenAI's description`, { skip }, async () => {
    if (body) assertValid(name.replace('Response', 'Request'), body);
    assertValid(name, JSON.parse(JSON.stringify(await ask(method, path, body))));
  });
}

for (const [name, path, body] of [
  ['CreateChatCompletionStreamResponse', '/v1/chat/completions', chat],
  ['CreateCompletionResponse', '/v1/completions', text],
] as const) {
  test(`every event of a stream of ${path} is a ${name}`, { skip }, async () => {
    const asked = { ...body, stream: true, stream_options: { include_usage: true } };
    const stream = (await ask('POST', path, asked)) as Readable;
    const chunks = (await stream.toArray()).join('').split('\n\n').filter(Boolean);
    assert.equal(chunks.pop(), 'data: [DONE]');
    assert.ok(chunks.length >= 3);
    for (const chunk of chunks) {
      // The description of completions is that of a whole answer; OpenAI's own streams have null where nothing is yet.
      const value = name === 'CreateCompletionResponse' ? fillNulls(chunk) : chunk;
      assertValid(name, JSON.parse(value.slice('data: '.length)));
    }
  });
}

test("an error is OpenAI's ErrorResponse", { skip }, () => {
  assertValid('ErrorResponse', renderOpenaiError(new ServiceError('model_not_found', 'no such model')));
});

function fillNulls(chunk: string): string {
  return chunk.replace('"finish_reason":null', '"finish_reason":"stop"').replace(',"usage":null', '');
}

let ajv: Ajv2020 | undefined;
function assertValid(name: string, value: unknown): void {
  if (!ajv) {
    ajv = new Ajv2020({ strict: false, validateFormats: false, discriminator: false });
    ajv.addSchema({ $id: 'openai', ...JSON.parse(readFileSync(file, 'utf8')) });
  }
  const validate = ajv.compile({ $ref: `openai#/components/schemas/${name}` });
  assert.ok(validate(value), `${JSON.stringify(value)} ${JSON.stringify(validate.errors, null, 1)}`);
  assert.equal(validate({}), false);
}
