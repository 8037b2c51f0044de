import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { TaskName } from '../../functions/tasks/task-names.ts';
import { type OnnxGraph, onnxModel } from '../onnx-model.ts';
import { type OpenModel, startModels } from '../task-model.ts';
import { bertTokenizer } from '../tokenizer-files.ts';
import { linearGraph, lookupGraph } from '../unit/tasks/hosted-task.ts';
import { serveModels } from './serve-models.ts';

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

const models = startModels();
const scores = words.map((word) => (word === 'ada' ? 9 : 0));
const graphs: Partial<Record<TaskName, [graph: OnnxGraph, manifest?: Record<string, unknown>]>> = {
  'text-classification': [pairs, { labels: ['negative', 'positive'] }],
  'token-classification': [lookup, { labels: ['O', 'B-PER'] }],
  'question-answering': [lookupGraph({ start_logits: scores, end_logits: scores })],
  'fill-mask': [lookupGraph({ logits: words.map(() => words.map((_, at) => at)) })],
  'zero-shot-classification': [pairs, { labels: ['contradiction', 'entailment'] }],
  'feature-extraction': [lookup],
  'sentence-similarity': [lookup],
  'tabular-classification': [linearGraph([[1, -1]], 'logits'), { preprocessing: { columns } }],
  'tabular-regression': [linearGraph([[2]], 'variable'), { preprocessing: { columns } }],
};
const opened: Record<string, OpenModel> = {};
for (const [task, [graph, manifest = {}]] of Object.entries(graphs)) {
  opened[task] = await models.open({ task: task as TaskName, graph: onnxModel(graph), manifest, assets });
}
const served = await serveModels(opened);
const client = (task: TaskName) => served.client(task);
after(async () => {
  served.close();
  await models.close();
});

test('a text', async () => {
  const [best] = await client('text-classification').textClassification({ inputs: 'Ada' });
  assert.equal(best?.label, 'positive');
});

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
