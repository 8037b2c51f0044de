import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import type { OnnxGraph } from '../../onnx-model.ts';
import { bertTokenizer } from '../../tokenizer-files.ts';
import { lookupGraph, startHost } from './hosted-task.ts';

const words = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  '[MASK]',
  'who',
  'wrote',
  'it',
  'ada',
  'love',
  '##lace',
  'did',
  'not',
];
const tokenizer = { 'tokenizer.json': bertTokenizer(words) };
const row = (weights: Record<string, number>, otherwise = 0) => words.map((word) => weights[word] ?? otherwise);
const host = startHost();
after(() => host.close());

suite('question-answering', async () => {
  const graph = lookupGraph({
    start_logits: row({ ada: 6, who: 9, '[CLS]': 1 }, -5),
    end_logits: row({ '##lace': 6, love: 4, it: 9, '[CLS]': 1 }, -5),
  });
  const model = await host.open(graph, tokenizer);
  const ask = async (context: string, parameters: object = {}) => {
    const input = { inputs: { question: 'Who wrote it', context }, parameters };
    return (await model.ask('question-answering', input)) as { score: number; answer: string; start: number }[];
  };

  test('the likeliest span of the context is answered, never one of the question', async () => {
    const [best, ...others] = await ask('😀 not Ada Lovelace did');
    assert.deepEqual(others, []);
    assert.deepEqual({ ...best, score: undefined }, { answer: 'Ada Lovelace', score: undefined, start: 6, end: 18 });
    assert.ok(best!.score > 0.98 && best!.score <= 1);
  });

  test('answers begin and end with words, unless align_to_words is false', async () => {
    const cut = { max_answer_len: 2 };
    assert.equal((await ask('Ada Lovelace', cut))[0]!.answer, 'Ada Lovelace');
    assert.equal((await ask('Ada Lovelace', { ...cut, align_to_words: false }))[0]!.answer, 'Ada Love');
  });

  test('top_k answers differ, best first', async () => {
    const found = await ask('did not Ada Lovelace did', { top_k: 3 });
    assert.equal(found.length, 3);
    assert.equal(new Set(found.map(({ answer }) => answer.toLowerCase())).size, 3);
    assert.deepEqual(
      found,
      [...found].sort((a, b) => b.score - a.score),
    );
  });

  test('a long context is read in windows of max_seq_len that share doc_stride tokens, in one run', async () => {
    const [best] = await ask(`${'did not '.repeat(20)}Ada Lovelace did`, { max_seq_len: 16, doc_stride: 4 });
    assert.deepEqual({ answer: best!.answer, start: best!.start }, { answer: 'Ada Lovelace', start: 160 });
    assert.equal(model.requests.length, 1);
    // 44 tokens of context, 10 in a window beside the question: 6 more with each.
    assert.deepEqual(model.requests[0]!.inputs[0]!.shape, [7, 16]);
  });

  test('a graph of a short fixed length is read in windows too, whatever the length of the question', async () => {
    const short = { ...graph, inputs: graph.inputs.map((one) => ({ ...one, shape: [-1, 10] })) };
    const fixed = await host.open(short, tokenizer);
    const inputs = { question: 'who wrote it', context: `${'did not '.repeat(8)}Ada Lovelace did` };
    const [best] = (await fixed.ask('question-answering', { inputs })) as { answer: string }[];
    assert.equal(best?.answer, 'Ada Lovelace');
    assert.deepEqual(fixed.requests[0]!.inputs[0]!.shape.slice(1), [10]);
  });

  test('with handle_impossible_answer the answer may be that there is none', async () => {
    const [best] = await ask('did not', { handle_impossible_answer: true });
    assert.deepEqual({ ...best, score: undefined }, { answer: '', score: undefined, start: 0, end: 0 });
  });

  test('a window without room for the context, and a missing context, are refused', async () => {
    await assert.rejects(ask('did not', { max_seq_len: 5, doc_stride: 1 }), { code: 'invalid_request' });
    await assert.rejects(ask('did', { max_seq_len: 8, doc_stride: 8 }), { message: /doc_stride 8/ });
    await assert.rejects(model.ask('question-answering', { inputs: { question: 'who' } }), {
      message: /inputs\.context/,
    });
  });
});

suite('fill-mask', async () => {
  /** After every mask: ada 3, did 2, ##lace 1. */
  const logits = words.map((word) => (word === '[MASK]' ? row({ ada: 3, did: 2, '##lace': 1 }) : row({})));
  const model = await host.open(lookupGraph({ logits }), tokenizer);
  const ask = (inputs: string, parameters: object = {}) => model.ask('fill-mask', { inputs, parameters });
  const shares = (values: number[]) =>
    values.map((value) => Math.exp(value) / (Math.exp(3) + Math.exp(2) + Math.exp(1) + 10));

  test('words for the mask, best first, with the text that they make', async () => {
    const found = (await ask('[MASK] wrote it', { top_k: 2 })) as { score: number }[];
    const expected = shares([3, 2]);
    assert.ok(found.every(({ score }, at) => Math.abs(score - expected[at]!) < 1e-6));
    assert.deepEqual(
      found.map((one) => ({ ...one, score: undefined })),
      [
        { score: undefined, token: 8, token_str: 'ada', sequence: 'ada wrote it' },
        { score: undefined, token: 11, token_str: 'did', sequence: 'did wrote it' },
      ],
    );
  });

  test('several masks are answered by a list each, with the others shown', async () => {
    const found = (await ask('[MASK] [MASK]', { top_k: 1 })) as { sequence: string }[][];
    assert.deepEqual(
      found.map((list) => list.map(({ sequence }) => sequence)),
      [['[CLS] ada [MASK] [SEP]'], ['[CLS] [MASK] ada [SEP]']],
    );
  });

  test('targets limit the choice; one that is no token stands for its first', async () => {
    const found = (await ask('[MASK]', { targets: ['did', 'lovelace', 'did'] })) as { token_str: string }[];
    assert.deepEqual(
      found.map(({ token_str }) => token_str),
      ['did', 'love'],
    );
  });

  test('a text without a mask, and one whose mask is cut off, are refused with the mask’s name', async () => {
    await assert.rejects(ask('who wrote it'), { code: 'invalid_request', message: /write \[MASK\]/ });
    const short = await host.open(lookupGraph({ logits }), {
      ...tokenizer,
      'tokenizer_config.json': { model_max_length: 4 },
    });
    await assert.rejects(short.ask('fill-mask', { inputs: 'who wrote it [MASK]' }), { message: /behind the 4 tokens/ });
  });
});

suite('zero-shot-classification', async () => {
  /** contradiction, neutral, entailment: the largest of the words of a pair. */
  const table = words.map((word) => (word === 'ada' ? [0, 0, 3] : word === 'did' ? [2, 0, 1] : [0, 0, 0]));
  const lookup = lookupGraph({ tokens: table });
  const graph: OnnxGraph = {
    ...lookup,
    nodes: [
      ...lookup.nodes,
      { op: 'ReduceMax', inputs: ['tokens'], outputs: ['logits'], attributes: { axes: [1], keepdims: 0 } },
    ],
    outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, 3] }],
  };
  const config = { 'config.json': { id2label: { 0: 'contradiction', 1: 'neutral', 2: 'Entailment' } } };
  const model = await host.open(graph, { ...tokenizer, ...config }, { maxBatchSize: 2 });
  const ask = async (parameters: object) => {
    const found = await model.ask('zero-shot-classification', { inputs: 'who wrote it', parameters });
    return (found as { label: string; score: number }[]).map(({ label, score }) => [
      label,
      Math.round(score * 1e4) / 1e4,
    ]);
  };
  const labels = ['did', 'ada', 'not'];

  test('labels share one whole, best first, and rows beyond a batch take another run', async () => {
    const sum = Math.exp(3) + Math.exp(1) + 1;
    const share = (logit: number) => Math.round((Math.exp(logit) / sum) * 1e4) / 1e4;
    assert.deepEqual(await ask({ candidate_labels: labels }), [
      ['ada', share(3)],
      ['did', share(1)],
      ['not', share(0)],
    ]);
    assert.deepEqual(
      model.requests.map(({ inputs }) => inputs[0]!.shape[0]),
      [2, 1],
    );
  });

  test('with multi_label each is judged against its contradiction', async () => {
    const share = (logit: number) => Math.round((1 / (1 + Math.exp(-logit))) * 1e4) / 1e4;
    const expected = [
      ['ada', share(3)],
      ['not', share(0)],
      ['did', share(-1)],
    ];
    assert.deepEqual(await ask({ candidate_labels: labels, multi_label: true }), expected);
    assert.deepEqual(await ask({ candidate_labels: 'ada' }), [['ada', share(3)]], 'so is a single one');
  });

  test('the template puts the label into a sentence; one without {} is refused', async () => {
    assert.deepEqual((await ask({ candidate_labels: 'not,it', hypothesis_template: 'ada {}' }))[0]![1], 0.5);
    await assert.rejects(ask({ candidate_labels: ['a'], hypothesis_template: 'ada' }), { message: /\{\}/ });
    await assert.rejects(ask({}), { message: /candidate_labels/ });
    await assert.rejects(ask({ candidate_labels: [] }), { message: /1 to 100 labels/ });
  });
});
