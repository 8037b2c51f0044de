import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bertTokenizer } from '../../tokenizer-files.ts';
import { lookupGraph, startHost } from './hosted-task.ts';

const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'ada', 'love', '##lace', 'lives', 'in', 'ber', '##lin'];
const labels = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'];
/** Shares of the labels for each word, whose logarithms are the logits. */
const shares: Record<string, number[]> = {
  ada: [0.04, 0.9, 0.02, 0.02, 0.02],
  love: [0.1, 0.1, 0.7, 0.05, 0.05],
  '##lace': [0.1, 0.1, 0.6, 0.1, 0.1],
  ber: [0.2, 0.05, 0.05, 0.5, 0.2],
  '##lin': [0.08, 0.01, 0.01, 0.1, 0.8],
};
const table = words.map((word) => (shares[word] ?? [0.96, 0.01, 0.01, 0.01, 0.01]).map(Math.log));
const host = startHost();
after(() => host.close());
let model: Awaited<ReturnType<typeof host.open>>;
before(async () => {
  const assets = { 'tokenizer.json': bertTokenizer(words), 'tokenizer_config.json': { model_max_length: 7 } };
  model = await host.open(lookupGraph({ logits: table }), assets, { task: 'token-classification', labels });
});

async function ask(inputs: string, parameters?: object) {
  const found = (await model.ask('token-classification', { inputs, ...(parameters && { parameters }) })) as Entity[];
  return found.map((entity) => ({ ...entity, score: Math.round(entity.score * 1e4) / 1e4 }));
}

interface Entity {
  readonly score: number;
}

test('simple joins neighbours of one tag, with places in characters', async () => {
  assert.deepEqual(await ask('😀 Ada Lovelace'), [
    { entity_group: 'PER', score: 0.7333, word: 'ada lovelace', start: 2, end: 14 },
  ]);
  assert.deepEqual(await ask('Berlin'), [{ entity_group: 'LOC', score: 0.65, word: 'berlin', start: 0, end: 6 }]);
  assert.deepEqual(await ask('Ada Ada'), [
    { entity_group: 'PER', score: 0.9, word: 'ada', start: 0, end: 3 },
    { entity_group: 'PER', score: 0.9, word: 'ada', start: 4, end: 7 },
  ]);
});

test('none answers every token, with entity_group for Hugging Face’s client', async () => {
  assert.deepEqual(await ask('in Berlin', { aggregation_strategy: 'none' }), [
    { entity: 'B-LOC', entity_group: 'B-LOC', score: 0.5, index: 2, word: 'ber', start: 3, end: 6 },
    { entity: 'I-LOC', entity_group: 'I-LOC', score: 0.8, index: 3, word: '##lin', start: 6, end: 9 },
  ]);
});

test('first, max and average give a word one label', async () => {
  const berlin = { entity_group: 'LOC', word: 'berlin', start: 0, end: 6 };
  assert.deepEqual(await ask('berlin', { aggregation_strategy: 'first' }), [{ ...berlin, score: 0.5 }]);
  assert.deepEqual(await ask('berlin', { aggregation_strategy: 'max' }), [{ ...berlin, score: 0.8 }]);
  assert.deepEqual(await ask('berlin', { aggregation_strategy: 'average' }), [{ ...berlin, score: 0.5 }]);
});

test('ignore_labels decides what is left out', async () => {
  const found = await ask('in Ada', { ignore_labels: ['PER'] });
  assert.deepEqual(found, [{ entity_group: 'O', score: 0.96, word: 'in', start: 0, end: 2 }]);
});

test('a text longer than the model’s is read in windows, and what two of them see is answered once', async () => {
  const found = await ask('in in in Ada lives in in in Berlin', { stride: 2 });
  assert.deepEqual(
    found.map((entity) => ({ ...entity, score: undefined })),
    [
      { entity_group: 'PER', score: undefined, word: 'ada', start: 9, end: 12 },
      { entity_group: 'LOC', score: undefined, word: 'berlin', start: 28, end: 34 },
    ],
  );
  assert.equal(model.requests.length, 1, 'all windows share a run');
  assert.deepEqual(model.requests[0]!.inputs[0]!.shape, [3, 7]);
});

test('a stride without strategy, an unknown strategy and a text without words are refused', async () => {
  await assert.rejects(ask('Ada', { aggregation_strategy: 'none', stride: 1 }), { code: 'invalid_request' });
  await assert.rejects(ask('Ada', { aggregation_strategy: 'best' }), { message: /'none', 'simple'/ });
  await assert.deepEqual(await ask('🙂'), []);
});
