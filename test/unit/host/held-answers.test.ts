import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import type { GenerationRequest, Tool } from '../../../functions/generation/generation.ts';
import { createGenerator } from '../../../functions/host/answer-generate-event.ts';
import { createModelHost } from '../../../functions/host/create-model-host.ts';
import type { GenerateLine } from '../../../functions/host/generate-event.ts';
import { modelManifestSchema } from '../../../functions/registry/model-manifest.ts';

/** The sample model, which nobody has taught JSON or tools. */
const folder = new URL('../../../models/storyteller/', import.meta.url);
const host = createModelHost({ cacheBytes: 100_000_000 });
after(() => host.close());
const read = (path: string) => readFile(new URL(path, folder));
const manifest = modelManifestSchema.parse(JSON.parse(String(await read('model.json'))));
const template =
  '{% if tools %}<tool_call>{% endif %}{% for m in messages %}<|ask|>{{ m.content }}<|tell|>{% endfor %}';
const withTools = {
  ...manifest,
  name: 'with-tools',
  files: { ...manifest.files, 'tokenizer_config.json': await entry(template) },
};

async function entry(chatTemplate: string) {
  const body = await toolConfig(chatTemplate);
  return { size: body.length, sha256: createHash('sha256').update(body).digest('hex') };
}
async function toolConfig(chatTemplate: string): Promise<Buffer> {
  const config = JSON.parse(String(await read('tokenizer_config.json')));
  return Buffer.from(JSON.stringify({ ...config, chat_template: chatTemplate }));
}
const answer = createGenerator(host, async (key) => {
  const [, name, , path = ''] = key.split('/');
  return name === 'with-tools' && path === 'tokenizer_config.json' ? await toolConfig(template) : await read(path);
});

async function ask(model: typeof manifest, request: Partial<GenerationRequest>) {
  const prompt = { messages: [{ role: 'user', content: 'Emma' }], ...(request.prompt as object) };
  const penalties = { presencePenalty: 0, frequencyPenalty: 0, logitBias: {}, stop: [], extra: {} };
  const event = { ...penalties, maxTokens: 250, ...request, prompt };
  const lines: GenerateLine[] = [];
  const deadline = Date.now() + 60_000;
  for await (const line of answer({ operation: 'generate', manifest: model, deadline, request: event })) {
    lines.push(JSON.parse(line));
  }
  const calls = lines.flatMap((line) => (line.kind === 'delta' ? (line.toolCalls ?? []) : []));
  return { text: lines.map((line) => (line.kind === 'delta' ? line.text : '')).join(''), calls, end: lines.at(-1) };
}

const parameters = {
  type: 'object',
  properties: { who: { type: 'string', maxLength: 20 }, mood: { enum: ['happy', 'sad'] }, age: { type: 'integer' } },
  required: ['who', 'mood'],
};

test('a model that knows no JSON is held to a schema, whatever is drawn', async () => {
  const responseFormat = { type: 'json_schema', json_schema: { name: 'a', schema: parameters } } as const;
  for (const seed of [1, 2, 3]) {
    const { text, end } = await ask(manifest, { responseFormat, seed, temperature: 1.5, topP: 1 });
    const { who, mood } = JSON.parse(text);
    assert.equal(typeof who, 'string');
    assert.ok(['happy', 'sad'].includes(mood), text);
    assert.equal(end?.kind === 'end' && end.finishReason, 'stop');
  }
});

test('a tool that must be called is called, with arguments as its parameters have them', async () => {
  const tools: Tool[] = [
    { type: 'function', function: { name: 'time' } },
    { type: 'function', function: { name: 'cheer', parameters } },
  ];
  const prompt = { tools, toolChoice: { name: 'cheer' }, parallel: true };
  const { text, calls, end } = await ask(withTools, { prompt: prompt as never, seed: 1 });
  assert.equal(text, '');
  assert.equal(calls.length, 1);
  assert.match(calls[0]!.id ?? '', /^[A-Za-z0-9]{9}$/);
  assert.equal(calls[0]!.name, 'cheer');
  assert.ok(['happy', 'sad'].includes(JSON.parse(calls[0]!.arguments).mood));
  assert.equal(end?.kind === 'end' && end.finishReason, 'tool_calls');
});
