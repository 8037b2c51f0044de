import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { GenerationRequest } from '../../../functions/generation/generation.ts';
import { createGenerator } from '../../../functions/host/answer-generate-event.ts';
import { createModelHost } from '../../../functions/host/create-model-host.ts';
import type { GenerateLine } from '../../../functions/host/generate-event.ts';
import {
  cachedDecoder,
  continuation,
  decoderPackage,
  recurrentDecoder,
  statelessDecoder,
} from '../../decoder-model.ts';
import { addOneModel } from '../../onnx-model.ts';

const host = createModelHost({ cacheBytes: 1_000_000 });
after(() => host.close());

const packages = {
  cached: decoderPackage(cachedDecoder(), 'cached'),
  stateless: decoderPackage(statelessDecoder(), 'stateless'),
  recurrent: decoderPackage(recurrentDecoder(), 'recurrent'),
  other: decoderPackage(addOneModel(), 'other'),
};
const readArtifact = async (key: string) => {
  const [, name, , path] = key.split('/') as [string, keyof typeof packages, string, string];
  return packages[name].files[path]!;
};
const answer = createGenerator(host, readArtifact);
const greedy = {
  seed: 1,
  temperature: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: {},
  stop: [],
  extra: {},
} as const;

async function ask(name: keyof typeof packages, request: Partial<GenerationRequest>, deadline = Date.now() + 20_000) {
  const lines: GenerateLine[] = [];
  const event = {
    operation: 'generate',
    manifest: packages[name].manifest,
    deadline,
    request: { ...greedy, prompt: { ids: [0, 1] }, ...request },
  } as const;
  for await (const line of answer(event)) lines.push(JSON.parse(line));
  const text = lines.map((line) => (line.kind === 'delta' ? line.text : '')).join('');
  return { lines, text, end: lines.at(-1) };
}

const bytes = ['a', 'b', 'c', 'd', '\u00c3', '\u00a9'];
const toText = (ids: readonly number[]) => Buffer.from(ids.map((id) => bytes[id] ?? '').join(''), 'latin1').toString();

for (const name of ['cached', 'stateless', 'recurrent'] as const) {
  test(`a ${name} decoder continues a prompt as computed by hand`, async () => {
    for (const ids of [[0], [3, 1, 2], [5, 4, 0, 0, 1, 3, 2]]) {
      const { text, end } = await ask(name, { prompt: { ids }, maxTokens: 12 });
      assert.equal(text, toText(continuation(ids, 12)), JSON.stringify(ids));
      assert.deepEqual(end, {
        kind: 'end',
        finishReason: 'length',
        promptTokens: ids.length,
        completionTokens: 12,
      });
    }
  });
}

test('sequences that run at the same time do not see each other', async () => {
  const prompts = [[0], [1], [2], [3, 3], [1, 2]];
  const answers = await Promise.all(prompts.map((ids) => ask('cached', { prompt: { ids }, maxTokens: 10 })));
  assert.deepEqual(
    answers.map(({ text }) => text),
    prompts.map((ids) => toText(continuation(ids, 10))),
  );
});

test('a text is tokenized, and a chat becomes the turns of its template', async () => {
  const text = await ask('cached', { prompt: { text: 'dbc' }, maxTokens: 5 });
  assert.equal(text.text, toText(continuation([3, 1, 2], 5)));
  const chat = await ask('cached', { prompt: { messages: [{ role: 'user', content: 'ab' }] }, maxTokens: 5 });
  assert.equal(chat.text, toText(continuation([6, 0, 1, 6], 5)));
});

test('special tokens that a caller writes open no turn', async () => {
  const messages = [{ role: 'user', content: 'a<|turn|>b' }];
  // None of the characters of <|turn|> is in the vocabulary, so that a and b are what is left.
  const { end } = await ask('cached', { prompt: { messages }, maxTokens: 1 });
  assert.equal(end?.kind === 'end' && end.promptTokens, 4);
});

test('a generation ends before a stop string, and at the end token', async () => {
  const whole = (await ask('cached', { maxTokens: 12 })).text;
  const stop = whole.slice(4, 6);
  const stopped = await ask('cached', { maxTokens: 12, stop: [stop, 'never'] });
  assert.equal(stopped.text, whole.slice(0, whole.indexOf(stop)));
  assert.equal(stopped.end?.kind === 'end' && stopped.end.finishReason, 'stop');
  const ended = await ask('cached', { maxTokens: 12, logitBias: { 7: 100 } });
  assert.deepEqual(
    [ended.text, ended.end],
    ['', { kind: 'end', finishReason: 'stop', promptTokens: 2, completionTokens: 1 }],
  );
});

test('a seed decides the text, another one gives another text', async () => {
  const draw = async (seed: number) => (await ask('cached', { seed, temperature: 2, maxTokens: 30 })).text;
  const first = await draw(7);
  assert.equal(await draw(7), first);
  assert.notEqual(await draw(8), first);
});

test('log-probabilities are those of the chosen token and of the likeliest, and sum to one', async () => {
  const { lines } = await ask('cached', { maxTokens: 1, topLogprobs: 8 });
  const [first] = lines[0]?.kind === 'delta' ? (lines[0].logprobs ?? []) : [];
  assert.equal(first!.top.length, 8);
  assert.deepEqual(first!.top[0], { token: first!.token, logprob: first!.logprob });
  const sum = first!.top.reduce((total, { logprob }) => total + Math.exp(logprob), 0);
  assert.ok(Math.abs(sum - 1) < 1e-9, String(sum));
});

test('what cannot be generated is an error with its reason and no end', async () => {
  const refused = async (request: Partial<GenerationRequest>, name: keyof typeof packages, reason: RegExp) => {
    const { lines } = await ask(name, request);
    assert.equal(lines.length, 1);
    assert.match(JSON.stringify(lines[0]), reason);
  };
  await refused({ prompt: { text: '' } }, 'cached', /invalid_request.*empty/);
  await refused({ maxTokens: 63 }, 'cached', /invalid_request.*2 tokens and 63 to generate.*holds 64/);
  await refused({}, 'other', /invalid_request.*input_ids/);
  const late = await ask('cached', {}, Date.now() - 1);
  assert.match(JSON.stringify(late.lines), /deadline_exceeded/);
});

test('a caller that leaves frees the state, and the model can leave the host', async () => {
  const event = {
    operation: 'generate',
    manifest: packages.cached.manifest,
    deadline: Date.now() + 20_000,
    request: { ...greedy, prompt: { ids: [0] } },
  } as const;
  for await (const line of answer(event)) {
    assert.match(line, /delta/);
    break;
  }
  const id = host.loaded().find((each) => each.startsWith('cached'))!;
  assert.equal(await host.unload(id), true);
});
