import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { InferenceClient } from '@huggingface/inference';
import OpenAI, { APIError, BadRequestError } from 'openai';
import { cachedDecoder, continuation, decoderPackage } from '../decoder-model.ts';
import { pushFiles } from '../flow/push-model.ts';
import { type RunningPlatform, runPlatform, temporaryState } from '../flow/run-platform.ts';

let platform: RunningPlatform;
let temporary: Awaited<ReturnType<typeof temporaryState>>;
let client: OpenAI;
before(async () => {
  temporary = await temporaryState();
  platform = await runPlatform(temporary.state);
  client = new OpenAI({ apiKey: platform.secret, baseURL: `${platform.url}/v1`, maxRetries: 0 });
  const { manifest, files } = decoderPackage(cachedDecoder());
  await pushFiles(platform, manifest, files);
});
after(async () => {
  await platform.end();
  await temporary.remove();
});

const bytes = ['a', 'b', 'c', 'd', '\u00c3', '\u00a9'];
const toText = (ids: readonly number[]) => Buffer.from(ids.map((id) => bytes[id]).join(''), 'latin1').toString();
/** What the decoder says to `ab` in a chat, and behind `dbc`. */
const said = toText(continuation([6, 0, 1, 6], 10));
const continued = toText(continuation([3, 1, 2], 10));
const chat = {
  model: 'decoder',
  messages: [{ role: 'user', content: 'ab' }],
  max_completion_tokens: 10,
  temperature: 0,
} as const satisfies OpenAI.ChatCompletionCreateParams;
const usage = { prompt_tokens: 4, completion_tokens: 10, total_tokens: 14 };

test('a chat is answered whole and as a stream, with the same text, reason and usage', async () => {
  const whole = await client.chat.completions.create({ ...chat, messages: [...chat.messages] });
  assert.deepEqual(
    [whole.object, whole.choices[0]?.message.content, whole.choices[0]?.finish_reason, whole.usage],
    ['chat.completion', said, 'length', usage],
  );
  const stream = await client.chat.completions.create({
    ...chat,
    messages: [...chat.messages],
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const choices = chunks.flatMap((chunk) => chunk.choices);
  assert.equal(choices.map(({ delta }) => delta.content ?? '').join(''), said);
  assert.equal(choices[0]?.delta.role, 'assistant');
  assert.deepEqual(
    choices.flatMap(({ finish_reason }) => finish_reason ?? []),
    ['length'],
  );
  assert.deepEqual([chunks.at(-1)?.choices, chunks.at(-1)?.usage], [[], usage]);
  assert.equal(chunks[0]?.usage, null);
  assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
});

test('a text is continued: of several prompts in their order, of token ids, until a stop', async () => {
  const request = { model: 'decoder', max_tokens: 10, temperature: 0 };
  const answer = await client.completions.create({ ...request, prompt: ['dbc', 'dbc'], n: 2, logprobs: 1 });
  assert.deepEqual(
    answer.choices.map(({ index, text }) => [index, text]),
    [0, 1, 2, 3].map((index) => [index, continued]),
  );
  assert.deepEqual(answer.usage, { prompt_tokens: 6, completion_tokens: 40, total_tokens: 46 });
  assert.equal(answer.choices[0]?.logprobs?.tokens?.length, 10);
  const ids = await client.completions.create({ ...request, prompt: [3, 1, 2], stop: continued.slice(3, 5) });
  assert.deepEqual([ids.choices[0]?.text, ids.choices[0]?.finish_reason], [continued.slice(0, 3), 'stop']);
  let streamed = '';
  for await (const chunk of await client.completions.create({ ...request, prompt: 'dbc', stream: true })) {
    streamed += chunk.choices[0]?.text ?? '';
  }
  assert.equal(streamed, continued);
});

test('a seed decides what is drawn, and choices differ', async () => {
  const draw = async (seed: number) => {
    const { choices } = await client.completions.create({
      model: 'decoder',
      prompt: 'a',
      max_tokens: 30,
      temperature: 2,
      n: 2,
      seed,
    });
    return choices.map(({ text }) => text);
  };
  const first = await draw(1);
  assert.notEqual(first[0], first[1]);
  assert.deepEqual(await draw(1), first);
  assert.notDeepEqual(await draw(2), first);
});

test('log-probabilities of a chat come with the likeliest tokens and their bytes', async () => {
  const { choices } = await client.chat.completions.create({
    ...chat,
    messages: [...chat.messages],
    logprobs: true,
    top_logprobs: 2,
  });
  const content = choices[0]?.logprobs?.content ?? [];
  assert.equal(content.length, 10);
  for (const { token, bytes, logprob, top_logprobs } of content) {
    assert.deepEqual(top_logprobs[0], { token, bytes, logprob });
    assert.equal(top_logprobs.length, 2);
  }
});

test('what the generator cannot do is refused, before the first token with a status', async () => {
  const refused = (message: RegExp) => (error: unknown) =>
    error instanceof BadRequestError && message.test(error.message);
  const messages = [...chat.messages];
  await assert.rejects(
    client.chat.completions.create({ ...chat, messages, response_format: { type: 'json_object' } }),
    refused(/no tokens/),
  );
  const unknown = { ...chat, messages, guided_regex: 'a+' } as OpenAI.ChatCompletionCreateParamsNonStreaming;
  await assert.rejects(client.chat.completions.create(unknown), refused(/guided_regex: the CPU generator knows no/));
  const tools = [{ type: 'function', function: { name: 'time' } }] as const;
  await assert.rejects(
    client.chat.completions.create({ ...chat, messages, tools: [...tools] }),
    refused(/tools: .*template knows none/),
  );
  await assert.rejects(
    client.chat.completions.create({ ...chat, messages, model: 'decoder:formal' }),
    refused(/the adapter 'formal'/),
  );
  await assert.rejects(
    client.chat.completions.create({ ...chat, messages, tool_choice: 'required' }),
    refused(/tool_choice is "required"; there are no tools/),
  );
  await assert.rejects(client.chat.completions.create({ ...chat, messages, temperature: 3 }), refused(/0 to 2/));
  const long = 'a'.repeat(100);
  await assert.rejects(
    client.completions.create({ model: 'decoder', prompt: long, stream: true }),
    refused(/100 tokens.*holds 64/),
  );
  await assert.rejects(client.completions.create({ model: 'digits', prompt: 'a' }), refused(/input_ids/));
});

test('Hugging Face’s client chats with the model behind its URL', async () => {
  const hub = new InferenceClient(platform.secret, { endpointUrl: `${platform.url}/models/decoder` });
  const request = { messages: [{ role: 'user', content: 'ab' }], max_tokens: 10, temperature: 0 };
  const answer = await hub.chatCompletion(request);
  assert.equal(answer.choices[0]?.message.content, said);
  let streamed = '';
  for await (const chunk of hub.chatCompletionStream(request)) streamed += chunk.choices[0]?.delta.content ?? '';
  assert.equal(streamed, said);
});

test('tokens leave one by one, each as an event of its own, and [DONE] is the last', async () => {
  const { hostname, port } = new URL(platform.url);
  const headers = { 'x-api-key': platform.secret, 'content-type': 'application/json' };
  const body = JSON.stringify({ ...chat, stream: true });
  const sent = httpRequest({ hostname, port, path: '/v1/chat/completions', method: 'POST', headers }).end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const pieces: string[] = [];
  for await (const piece of response.setEncoding('utf8')) pieces.push(piece);
  assert.equal(response.headers['content-type'], 'text/event-stream; charset=utf-8');
  const events = pieces.join('').split('\n\n').filter(Boolean);
  assert.equal(events.at(-1), 'data: [DONE]');
  assert.ok(events.length > 8 && events.every((event) => /^data: (?:\{.*\}|\[DONE\])$/.test(event)));
});

test('an unknown model is a typed error of the client', async () => {
  await assert.rejects(
    client.chat.completions.create({ ...chat, messages: [...chat.messages], model: 'absent' }),
    (error: unknown) => error instanceof APIError && error.status === 404 && error.code === 'model_not_found',
  );
});
