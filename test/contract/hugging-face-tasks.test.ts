import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { InferenceClient } from '@huggingface/inference';
import type { TaskName } from '../../functions/tasks/task-names.ts';
import { bertTokenizer } from '../tokenizer-files.ts';
import { linearGraph, lookupGraph, startHost } from '../unit/tasks/hosted-task.ts';

const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'ada', 'wrote', 'it'];
const assets = { 'tokenizer.json': bertTokenizer(words) };
const vectors = words.map((_, at) => [at === 6 ? 1 : 0, at === 5 ? 9 : 0]);
const lookup = lookupGraph({ logits: vectors });
const pairs = {
  ...lookupGraph({ tokens: vectors }),
  nodes: [
    ...lookupGraph({ tokens: vectors }).nodes,
    { op: 'ReduceMax', inputs: ['tokens'], outputs: ['logits'], attributes: { axes: [1], keepdims: 0 } },
  ],
  outputs: [{ name: 'logits', datatype: 'FP32' as const, shape: [-1, 2] }],
};
const columns = [{ name: 'x', kind: 'numeric' }];

const host = startHost();
/** Each path is a task, asked as POST /models/{model} asks it. */
const server = createServer((request, response) => {
  const name = request.url!.slice(1) as TaskName;
  void request.toArray().then(async (chunks) => {
    const model = await open(name);
    const answer = await model.ask(name, JSON.parse(Buffer.concat(chunks).toString()));
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
});
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(async () => {
  server.close();
  server.closeAllConnections();
  await host.close();
});

function open(name: TaskName) {
  if (name === 'tabular-classification')
    return host.open(linearGraph([[1, -1]], 'logits'), {}, { preprocessing: { columns } });
  if (name === 'tabular-regression')
    return host.open(linearGraph([[2]], 'variable'), {}, { preprocessing: { columns } });
  if (name === 'zero-shot-classification') return host.open(pairs, assets, { labels: ['contradiction', 'entailment'] });
  if (name === 'question-answering') {
    const scores = words.map((word) => (word === 'ada' ? 9 : 0));
    return host.open(lookupGraph({ start_logits: scores, end_logits: scores }), assets);
  }
  if (name === 'fill-mask')
    return host.open(lookupGraph({ logits: words.map(() => words.map((_, at) => at)) }), assets);
  return host.open(lookup, assets, { labels: ['O', 'B-PER'] });
}

function client(name: TaskName) {
  const { port } = server.address() as AddressInfo;
  return new InferenceClient('key', { endpointUrl: `http://127.0.0.1:${port}/${name}` });
}

test('tokens, groups of them and every token by itself', async () => {
  const [group] = await client('token-classification').tokenClassification({ inputs: 'Ada wrote it' });
  assert.deepEqual({ ...group, score: 1 }, { entity_group: 'PER', score: 1, word: 'ada', start: 0, end: 3 });
  const parameters = { aggregation_strategy: 'none' } as const;
  const [token] = await client('token-classification').tokenClassification({ inputs: 'Ada wrote it', parameters });
  assert.equal(token?.entity, 'B-PER');
});

test('a question', async () => {
  const answer = await client('question-answering').questionAnswering({
    inputs: { question: 'wrote it', context: 'it Ada' },
  });
  assert.deepEqual({ ...answer, score: 1 }, { answer: 'Ada', score: 1, start: 3, end: 6 });
});

test('a mask', async () => {
  const [best] = await client('fill-mask').fillMask({ inputs: 'Ada [MASK] it' });
  assert.deepEqual({ ...best, score: 1 }, { score: 1, token: 7, token_str: 'it', sequence: 'ada it it' });
});

test('labels that no model was trained on', async () => {
  const parameters = { candidate_labels: ['it', 'ada'], multi_label: true };
  const [best] = await client('zero-shot-classification').zeroShotClassification({ inputs: 'wrote', parameters });
  assert.equal(best?.label, 'ada');
});

test('embeddings and how near they are', async () => {
  const vector = await client('feature-extraction').featureExtraction({ inputs: 'Ada' });
  assert.deepEqual(vector, [[0, 3]]);
  const inputs = { source_sentence: 'Ada', sentences: ['ada', 'wrote'] };
  const near = await client('sentence-similarity').sentenceSimilarity({ inputs });
  assert.deepEqual(near.map(Math.round), [1, 0]);
});

test('tables', async () => {
  const inputs = { data: { x: ['1', '-1'] } };
  assert.deepEqual(await client('tabular-classification').tabularClassification({ inputs }), [0, 1]);
  assert.deepEqual(await client('tabular-regression').tabularRegression({ inputs }), [2, -2]);
});
