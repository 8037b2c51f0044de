import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import type { OnnxGraph } from '../../onnx-model.ts';
import { linearGraph, startHost } from './hosted-task.ts';

const host = startHost();
after(() => host.close());

const columns = [
  { name: 'age', kind: 'numeric', mean: 40, std: 10, missing: 50 },
  { name: 'colour', kind: 'categorical', categories: ['red', 'green', 'NA'], handle_unknown: 'ignore' },
  { name: 'size', kind: 'categorical', categories: [1, 2, 3], encoding: 'ordinal', missing: 2 },
];
/** What the graph sees: one output for each of the five features. */
const identity = [0, 1, 2, 3, 4].map((row) => [0, 1, 2, 3, 4].map((column) => (row === column ? 1 : 0)));

suite('rows become features', async () => {
  const labels = ['age', 'red', 'green', 'NA', 'size'];
  const preprocessing = { columns, function_to_apply: 'none' };
  const model = await host.open(linearGraph(identity, 'logits'), {}, { labels, preprocessing });
  const features = async (inputs: unknown) => {
    const rows = (await model.ask('tabular-classification', { inputs })) as { label: string; score: number }[][];
    return rows.map((row) => labels.map((label) => row.find((one) => one.label === label)!.score));
  };

  test('numbers are scaled, categories become one-hot or ordinal, missing values are filled in', async () => {
    assert.deepEqual(await features([{ age: 30, colour: 'green', size: 3 }]), [[-1, 0, 1, 0, 2]]);
    assert.deepEqual(await features([{ age: null, colour: 'blue', size: null }]), [[1, 0, 0, 0, 1]]);
  });

  test('features are those of scikit-learn’s StandardScaler, OneHotEncoder and OrdinalEncoder', async () => {
    const colours = { kind: 'categorical', categories: ['blue', 'green', 'red'], handle_unknown: 'ignore' };
    const own = [
      { name: 'age', kind: 'numeric', mean: 35, std: 14.719601443879744 },
      { ...colours, name: 'colour' },
      { ...colours, name: 'size', encoding: 'ordinal' },
    ];
    const given = await host.open(
      linearGraph(identity, 'logits'),
      {},
      {
        labels,
        preprocessing: { columns: own, function_to_apply: 'none' },
      },
    );
    const inputs = 'age,colour,size\n25,green,green\n60,violet,violet\n20,blue,blue';
    const rows = (await given.ask('tabular-classification', { inputs })) as { label: string; score: number }[][];
    const found = rows.map((row) => labels.map((label) => row.find((one) => one.label === label)!.score.toFixed(6)));
    assert.deepEqual(found, [
      ['-0.679366', '0.000000', '1.000000', '0.000000', '1.000000'],
      ['1.698416', '0.000000', '0.000000', '0.000000', '-1.000000'],
      ['-1.019049', '1.000000', '0.000000', '0.000000', '0.000000'],
    ]);
  });

  test('CSV and columns say the same as rows', async () => {
    const expected = [
      [1, 1, 0, 0, 0],
      [1, 0, 0, 1, 1],
    ];
    assert.deepEqual(await features('id,size,colour,age\n7,1,red,50\n8,,NA,n/a\n'), expected);
    const rows = [
      { age: '50', colour: 'red', size: '1', id: 7 },
      { age: '', colour: 'NA', size: null },
    ];
    assert.deepEqual(await features(rows), expected);
  });

  test('what cannot be read is refused with its row and column', async () => {
    const refused = (row: object, message: RegExp) =>
      assert.rejects(features([{ age: 1, colour: 'red', size: 1 }, row]), { code: 'invalid_request', message });
    await refused({ age: 'old', colour: 'red', size: 1 }, /row 1, column 'age' of inputs is "old"; a number is needed/);
    await refused({ age: 1, colour: 'red', size: 4 }, /row 1, column 'size' of inputs is 4; one of 1, 2, 3 is needed/);
    await assert.rejects(features([{ age: 1, color: 'red', size: 1 }]), {
      message: /no column 'colour'.*age, colour, size/,
    });
    await assert.rejects(features([]), { message: /rows \[\{ column: value \}\]/ });
    await assert.rejects(features([{ age: [1] }]), { code: 'invalid_request' });
    await assert.rejects(features({ data: { age: [1], colour: [] } }), { message: /columns of one length/ });
    await assert.rejects(features('age\n'), { message: /0 rows/ });
  });
});

suite('tabular-classification', async () => {
  const weights = [
    [0, 1],
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
  ];
  const row = (age: number) => ({ age, colour: 'red', size: 1 });

  test('answers labels with scores for each row, and numbers for Hugging Face’s columns', async () => {
    const model = await host.open(
      linearGraph(weights, 'logits'),
      {},
      { labels: ['young', 'old'], preprocessing: { columns } },
    );
    const share = 1 / (1 + Math.exp(-1));
    const found = (await model.ask('tabular-classification', { inputs: [row(50), row(30)] })) as {
      label: string;
      score: number;
    }[][];
    assert.deepEqual(
      found.map((one) => one.map(({ label, score }) => [label, Math.abs(score - share) < 1e-6])),
      [
        [
          ['old', true],
          ['young', false],
        ],
        [
          ['young', true],
          ['old', false],
        ],
      ],
    );
    const data = { age: ['50', '30'], colour: ['red', 'red'], size: ['1', '1'] };
    assert.deepEqual(await model.ask('tabular-classification', { inputs: { data } }), [1, 0]);
    const best = await model.ask('tabular-classification', { inputs: [row(50)], parameters: { top_k: 1 } });
    assert.deepEqual((best as unknown[][])[0]!.length, 1);
  });

  test('a label that is a number is answered as this number', async () => {
    const model = await host.open(
      linearGraph(weights, 'logits'),
      {},
      { labels: ['5', '7'], preprocessing: { columns } },
    );
    const data = { age: [50], colour: ['red'], size: [1] };
    assert.deepEqual(await model.ask('tabular-classification', { inputs: { data } }), [7]);
  });

  test('probabilities stay what they are, and one number is the second class’s', async () => {
    const scores = [[0.1], [0], [0], [0], [0]];
    const preprocessing = { columns, function_to_apply: 'none' };
    const single = await host.open(linearGraph(scores, 'probabilities'), {}, { labels: ['no', 'yes'], preprocessing });
    const [answer] = (await single.ask('tabular-classification', { inputs: [row(70)] })) as {
      label: string;
      score: number;
    }[][];
    assert.deepEqual(
      answer!.map(({ label, score }) => [label, Math.round(score * 1e6) / 1e6]),
      [
        ['no', 0.7],
        ['yes', 0.3],
      ],
    );
  });

  test('rows beyond the model’s batch take further runs', async () => {
    const model = await host.open(linearGraph(weights, 'logits'), {}, { preprocessing: { columns }, maxBatchSize: 2 });
    const found = (await model.ask('tabular-classification', { inputs: [row(1), row(2), row(3)] })) as unknown[];
    assert.equal(found.length, 3);
    assert.deepEqual(
      model.requests.map(({ inputs }) => inputs[0]!.shape[0]),
      [2, 1],
    );
  });

  test('a package without columns, or with others than its graph takes, is model_failed', async () => {
    const ask = async (preprocessing: object) =>
      (await host.open(linearGraph(weights, 'logits'), {}, { preprocessing })).ask('tabular-classification', {
        inputs: [row(1)],
      });
    await assert.rejects(ask({}), { code: 'model_failed', message: /columns/ });
    await assert.rejects(ask({ columns: columns.slice(0, 1) }), {
      code: 'model_failed',
      message: /\[1,1\]; its graph takes \[-1,5\]/,
    });
    await assert.rejects(ask({ columns: [{ name: 'age', kind: 'text' }] }), { code: 'model_failed', message: /FP32/ });
  });
});

test('tabular-regression answers a number for each row, in the units of the target', async () => {
  const graph = linearGraph([[2]], 'variable');
  const preprocessing = { columns: [{ name: 'x', kind: 'numeric' }], target: { mean: 100, std: 10 } };
  const model = await host.open(graph, {}, { preprocessing });
  assert.deepEqual(await model.ask('tabular-regression', { inputs: { data: { x: ['1', '-2'] } } }), [120, 60]);
  assert.deepEqual(await model.ask('tabular-regression', { inputs: 'x\n0.5' }), [110]);
});

test('a graph with an input for each column gets each, texts as BYTES, and NaN where it wants that', async () => {
  const graph: OnnxGraph = {
    nodes: [
      { op: 'IsNaN', inputs: ['age'], outputs: ['unknown'] },
      { op: 'Cast', inputs: ['unknown'], outputs: ['score'], attributes: { to: 1 } },
      { op: 'Identity', inputs: ['city'], outputs: ['seen'] },
    ],
    inputs: [
      { name: 'age', datatype: 'FP32', shape: [-1, 1] },
      { name: 'city', datatype: 'BYTES', shape: [-1, 1] },
    ],
    outputs: [
      { name: 'seen', datatype: 'BYTES', shape: [-1, 1] },
      { name: 'score', datatype: 'FP32', shape: [-1, 1] },
    ],
  };
  const own = [
    { name: 'city', kind: 'text' },
    { name: 'age', kind: 'numeric', missing: 'nan' },
  ];
  const model = await host.open(graph, {}, { preprocessing: { columns: own } });
  assert.deepEqual(await model.ask('tabular-regression', { inputs: 'age,city\n,Zürich\n3,Basel' }), [1, 0]);
});
