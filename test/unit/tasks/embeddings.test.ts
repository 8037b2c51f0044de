import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { bertTokenizer } from '../../tokenizer-files.ts';
import { lookupGraph, startHost } from './hosted-task.ts';

const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'up', 'right', 'down'];
const tokenizer = { 'tokenizer.json': bertTokenizer(words) };
const vectors: Record<string, number[]> = {
  '[CLS]': [9, 9],
  '[SEP]': [-9, -9],
  up: [0, 2],
  right: [4, 0],
  down: [0, -2],
};
const last_hidden_state = words.map((word) => vectors[word] ?? [100, 100]);
const host = startHost();
after(() => host.close());

/** The first embedding of a package with these files and this preprocessing. */
async function embed(inputs: unknown, assets: object = {}, preprocessing?: object, more: object = {}) {
  const graph = lookupGraph({ last_hidden_state });
  const model = await host.open(graph, { ...tokenizer, ...assets }, preprocessing && { preprocessing });
  return (await model.ask('feature-extraction', { inputs, ...more })) as number[][];
}

const modules = (...types: string[]) => ({
  'modules.json': types.map((type) => ({ type: `sentence_transformers.models.${type}` })),
});
const pooling = (...modes: string[]) => {
  return { '1_Pooling/config.json': Object.fromEntries(modes.map((mode) => [`pooling_mode_${mode}`, true])) };
};

suite('feature-extraction', () => {
  test('without a word in the package a text is the mean of its tokens, and padding is none', async () => {
    assert.deepEqual(await embed(['up right', 'up']), [
      [1, 0.5],
      [0, 2 / 3],
    ]);
  });

  test('1_Pooling/config.json decides; several modes are put together', async () => {
    assert.deepEqual(await embed('up', pooling('cls_token')), [[9, 9]]);
    assert.deepEqual(await embed('up', pooling('max_tokens')), [[9, 9]]);
    assert.deepEqual(await embed('up right', pooling('mean_sqrt_len_tokens')), [[2, 1]]);
    assert.deepEqual(await embed('up right', pooling('lasttoken')), [[-9, -9]]);
    assert.deepEqual(await embed('up', pooling('cls_token', 'lasttoken')), [[9, 9, -9, -9]]);
    const [weighted] = await embed('up', pooling('weightedmean_tokens'));
    assert.ok(Math.abs(weighted![0]! - (9 - 27) / 6) < 1e-12 && Math.abs(weighted![1]! - (9 + 4 - 27) / 6) < 1e-12);
  });

  test('modules.json or the request make vectors of length 1', async () => {
    const [vector] = await embed('up', { ...pooling('cls_token'), ...modules('Transformer', 'Pooling', 'Normalize') });
    assert.ok(Math.abs(vector![0]! - Math.SQRT1_2) < 1e-12);
    assert.deepEqual(
      await embed('up', { ...pooling('cls_token'), ...modules('Normalize') }, undefined, { normalize: false }),
      [[9, 9]],
    );
    const [asked] = await embed('up', pooling('cls_token'), undefined, { parameters: { normalize: true } });
    assert.deepEqual(asked, vector);
  });

  test('the pooling none of model.json gives a vector for each token', async () => {
    assert.deepEqual(await embed(['up', 'up right'], pooling('cls_token'), { pooling: 'none' }), [
      [
        [9, 9],
        [0, 2],
        [-9, -9],
      ],
      [
        [9, 9],
        [0, 2],
        [4, 0],
        [-9, -9],
      ],
    ]);
  });

  test('a graph that pools by itself is taken at its word', async () => {
    const graph = lookupGraph({ tokens: last_hidden_state });
    const model = await host.open(
      {
        ...graph,
        nodes: [
          ...graph.nodes,
          {
            op: 'ReduceMin',
            inputs: ['tokens'],
            outputs: ['sentence_embedding'],
            attributes: { axes: [1], keepdims: 0 },
          },
        ],
        outputs: [...graph.outputs, { name: 'sentence_embedding', datatype: 'FP32', shape: [-1, 2] }],
      },
      tokenizer,
    );
    assert.deepEqual(await model.ask('feature-extraction', { inputs: 'up' }), [[-9, -9]]);
  });

  test('a prompt goes before the text; an unknown one is refused by the names that there are', async () => {
    const prompts = { 'config_sentence_transformers.json': { prompts: { query: 'right ' } } };
    assert.deepEqual(await embed('up', prompts, undefined, { prompt_name: 'query' }), [[1, 0.5]]);
    await assert.rejects(embed('up', prompts, undefined, { prompt_name: 'x' }), {
      code: 'invalid_request',
      message: /has: query/,
    });
  });

  test('a text is cut to max_seq_length at the side that is asked for, or refused where truncate is false', async () => {
    const short = { 'sentence_bert_config.json': { max_seq_length: 3 }, ...pooling('max_tokens', 'lasttoken') };
    const cut = (more: object) => embed('up right', { ...short, ...pooling('mean_tokens') }, undefined, more);
    assert.deepEqual(await cut({}), [[0, 2 / 3]]);
    assert.deepEqual(await cut({ truncation_direction: 'left' }), [[4 / 3, 0]]);
    await assert.rejects(cut({ truncate: false }), { code: 'invalid_request', message: /3 tokens.*truncate is false/ });
  });

  test('a Dense layer outside of the graph, and an unheard pooling, are model_failed', async () => {
    await assert.rejects(embed('up', modules('Transformer', 'Pooling', 'Dense')), {
      code: 'model_failed',
      message: /Dense/,
    });
    await assert.rejects(embed('up', {}, { pooling: 'median' }), { code: 'model_failed', message: /pooling/ });
  });
});

test('sentence-similarity is the cosine to the source sentence', async () => {
  const model = await host.open(lookupGraph({ last_hidden_state }), tokenizer);
  const inputs = { source_sentence: 'up', sentences: ['up up', 'down', 'right'] };
  const found = (await model.ask('sentence-similarity', { inputs })) as number[];
  assert.deepEqual(
    found.map((value) => Math.round(value * 1e6) / 1e6),
    [1, -1, 0],
  );
  await assert.rejects(model.ask('sentence-similarity', { inputs: { source_sentence: 'up' } }), {
    message: /sentences/,
  });
});

suite('a recurrent network with a word index', () => {
  let model: Awaited<ReturnType<typeof host.open>>;
  const word_index = { up: 1, right: 2, down: 3 };
  const table = [
    [0, 0],
    [0, 2],
    [4, 0],
    [0, -2],
  ];
  before(async () => {
    const graph = lookupGraph({ logits: table }, ['input_ids']);
    const mean = { op: 'ReduceMean', inputs: ['logits'], outputs: ['scores'], attributes: { axes: [1], keepdims: 0 } };
    model = await host.open(
      { ...graph, nodes: [...graph.nodes, mean], outputs: [{ name: 'scores', datatype: 'FP32', shape: [-1, 2] }] },
      { 'word_index.json': word_index },
      { labels: ['right', 'up'], preprocessing: { function_to_apply: 'none' } },
    );
  });

  test('reads words by their index, passes over unknown ones, and runs rows of other lengths apart', async () => {
    const inputs = ['UP, right!', 'up', 'unheard up'];
    const found = await model.ask('text-classification', { inputs, parameters: { function_to_apply: 'none' } });
    assert.deepEqual(found, [
      [
        { label: 'right', score: 2 },
        { label: 'up', score: 1 },
      ],
      [
        { label: 'up', score: 2 },
        { label: 'right', score: 0 },
      ],
      [
        { label: 'up', score: 2 },
        { label: 'right', score: 0 },
      ],
    ]);
    assert.deepEqual(
      model.requests.map(({ inputs: [ids] }) => ids!.shape),
      [
        [1, 2],
        [1, 1],
        [1, 1],
      ],
    );
  });
});
