import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderContainerRequest } from '../../../functions/generation/container-request.ts';
import { readContainerStream } from '../../../functions/generation/container-stream.ts';
import type { GenerationRequest } from '../../../functions/generation/generation.ts';

const request: GenerationRequest = {
  prompt: { text: 'Once' },
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: {},
  stop: [],
  extra: {},
};
const sent = (more: Partial<GenerationRequest>) =>
  JSON.parse(JSON.stringify(renderContainerRequest({ ...request, ...more })));
const streamed = { stream: true, stream_options: { include_usage: true }, presence_penalty: 0, frequency_penalty: 0 };

test('a container is asked in OpenAI’s words, for a stream with usage, and told what only it knows', () => {
  assert.deepEqual(sent({ maxTokens: 5, seed: 3, stop: ['\n'], topLogprobs: 2, extra: { min_p: 0.1 } }), {
    ...{ ...streamed, prompt: 'Once', max_tokens: 5, seed: 3, stop: ['\n'], logprobs: 2, min_p: 0.1 },
  });
  const tools = [{ type: 'function' as const, function: { name: 'time' } }];
  const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }];
  const prompt = { messages, tools, toolChoice: { name: 'time' }, parallel: false };
  const schema = { type: 'json_schema' as const, json_schema: { name: 'a', schema: {} } };
  assert.deepEqual(sent({ prompt, topLogprobs: 1, adapter: 'formal', responseFormat: schema }), {
    ...{ ...streamed, messages, tools, parallel_tool_calls: false, logprobs: true, top_logprobs: 1 },
    tool_choice: { type: 'function', function: { name: 'time' } },
    response_format: schema,
    adapters: 'formal',
  });
});

async function read(...lines: unknown[]) {
  const events: unknown[] = [];
  const bytes = Buffer.from(
    lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
  );
  const parts = Array.from(bytes, (byte) => Uint8Array.of(byte));
  async function* stream() {
    yield* parts;
  }
  for await (const event of readContainerStream(stream())) events.push(event);
  return events;
}
const usage = { prompt_tokens: 1, completion_tokens: 2 };
const end = { kind: 'end', finishReason: 'tool_calls', promptTokens: 1, completionTokens: 2 };

test('calls, reasoning and log-probabilities of a container are read, however its lines are cut', async () => {
  const call = (index: number, more: object) => ({ choices: [{ delta: { tool_calls: [{ index, ...more }] } }] });
  const events = await read(
    ': a comment',
    { choices: [{ delta: { role: 'assistant', content: '' } }] },
    { choices: [{ delta: { reasoning_content: 'é?' } }] },
    call(0, { id: 'c1', type: 'function', function: { name: 'time', arguments: '' } }),
    call(0, { function: { arguments: '{}' } }),
    { choices: [{ delta: { content: 'x' }, logprobs: { content: [{ token: 'x', logprob: -1, top_logprobs: [] }] } }] },
    { choices: [{ delta: {}, finish_reason: 'tool_calls' }] },
    { choices: [], usage },
    'not read any more',
  );
  assert.deepEqual(events, [
    { kind: 'delta', text: '', reasoning: 'é?' },
    { kind: 'delta', text: '', toolCalls: [{ index: 0, id: 'c1', name: 'time', arguments: '' }] },
    { kind: 'delta', text: '', toolCalls: [{ index: 0, arguments: '{}' }] },
    { kind: 'delta', text: 'x', logprobs: [{ token: 'x', logprob: -1, top: [] }] },
    end,
  ]);
});

test('without a reason or without usage there is no end; a failure within the stream is thrown', async () => {
  assert.deepEqual(await read({ choices: [], usage }), []);
  assert.deepEqual(await read({ choices: [{ delta: {}, finish_reason: 'stop' }] }), []);
  for (const wrong of [
    { error: { message: 'out of memory', code: 500 } },
    { error: 'out of memory', code: 424 },
    { choices: [{ delta: {}, finish_reason: 'error' }] },
    { choices: 'none' },
    'no JSON',
  ]) {
    await assert.rejects(read(wrong), { code: 'model_failed' }, JSON.stringify(wrong));
  }
});
