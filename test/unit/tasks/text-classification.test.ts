import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { parseInput } from '../../../functions/http/parse-input.ts';
import type { Datatype } from '../../../functions/inference/protocol.ts';
import { numbersOf } from '../../../functions/inference/tensor.ts';
import { textClassification as task } from '../../../functions/tasks/text-classification.ts';
import { bertTokenizer } from '../../tokenizer-files.ts';
import { answer, testModel } from './models.ts';

const tokenizer = bertTokenizer(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'good', 'bad']);
const tensor = (name: string, datatype: Datatype = 'INT64', shape = [-1, -1]) => ({ name, datatype, shape });
const labels = ['negative', 'positive'];
const model = testModel({ 'tokenizer.json': tokenizer }, [tensor('input_ids'), tensor('attention_mask')], { labels });
const parse = (inputs: unknown, parameters?: object) =>
  parseInput(task.input, { inputs, ...(parameters && { parameters }) });

async function preprocess(inputs: unknown, to = model) {
  const request = await task.preprocess(parse(inputs), to);
  return request.inputs.map((one) => ({
    name: one.name,
    datatype: one.datatype,
    shape: one.shape,
    values: Array.from(numbersOf(one as Parameters<typeof numbersOf>[0]), Number),
  }));
}

suite('preprocessing', () => {
  test('a text becomes the tensors that the graph names, in the graph’s order and datatypes', async () => {
    const inputs = [
      tensor('attention_mask', 'INT32'),
      tensor('token_type_ids'),
      tensor('input_ids', 'INT32'),
      tensor('position_ids'),
    ];
    assert.deepEqual(await preprocess('good', testModel({ 'tokenizer.json': tokenizer }, inputs)), [
      { name: 'attention_mask', datatype: 'INT32', shape: [1, 3], values: [1, 1, 1] },
      { name: 'token_type_ids', datatype: 'INT64', shape: [1, 3], values: [0, 0, 0] },
      { name: 'input_ids', datatype: 'INT32', shape: [1, 3], values: [2, 5, 3] },
      { name: 'position_ids', datatype: 'INT64', shape: [1, 3], values: [0, 1, 2] },
    ]);
  });

  test('a list of texts becomes one padded batch', async () => {
    assert.deepEqual(await preprocess(['good', 'bad bad']), [
      { name: 'input_ids', datatype: 'INT64', shape: [2, 4], values: [2, 5, 3, 0, 2, 6, 6, 3] },
      { name: 'attention_mask', datatype: 'INT64', shape: [2, 4], values: [1, 1, 1, 0, 1, 1, 1, 1] },
    ]);
  });

  test('a graph of fixed length gets that length, whatever its only input is called', async () => {
    const fixed = testModel({ 'tokenizer.json': tokenizer }, [tensor('text', 'INT64', [1, 5])]);
    assert.deepEqual((await preprocess('good', fixed))[0]!.values, [2, 5, 3, 0, 0]);
  });

  test('without attention_mask, texts of different lengths are refused and equal ones are not', async () => {
    const maskless = testModel({ 'tokenizer.json': tokenizer }, [tensor('input_ids')]);
    await assert.rejects(preprocess(['good', 'bad bad'], maskless), {
      code: 'invalid_request',
      message: /no attention_mask/,
    });
    assert.deepEqual((await preprocess(['good', 'bad'], maskless))[0]!.shape, [2, 3]);
  });

  test('a package without tokenizer.json, or with an input that no tokenizer makes, is model_failed', async () => {
    await assert.rejects(preprocess('x', testModel({}, [tensor('input_ids')])), {
      code: 'model_failed',
      message: /no tokenizer\.json/,
    });
    const strange = testModel({ 'tokenizer.json': tokenizer }, [tensor('input_ids'), tensor('pixel_values', 'FP32')]);
    await assert.rejects(preprocess('x', strange), { code: 'model_failed', message: /pixel_values/ });
  });
});

suite('postprocessing', () => {
  const scores = (logits: number[], of = model, parameters?: object, shape = [1, logits.length]) =>
    task.postprocess(answer(shape, logits), parse('x', parameters), of);

  test('one text is answered in two brackets, softmax over the labels, best first', () => {
    const [row, ...others] = scores([0, Math.log(3)]);
    assert.deepEqual(others, []);
    assert.deepEqual(
      row!.map(({ label }) => label),
      ['positive', 'negative'],
    );
    assert.ok(Math.abs(row![0]!.score - 0.75) < 1e-6 && Math.abs(row![1]!.score - 0.25) < 1e-6);
  });

  test('a list of texts is answered by as many lists', () => {
    const rows = task.postprocess(answer([2, 2], [1, 0, 0, 1]), parse(['a', 'b'], { top_k: 1 }), model);
    assert.deepEqual(
      rows.map((row) => row.map(({ label }) => label)),
      [['negative'], ['positive']],
    );
  });

  test('function_to_apply decides: none, sigmoid, softmax', () => {
    assert.deepEqual(
      scores([2, -2], model, { function_to_apply: 'none' })[0]!.map(({ score }) => score),
      [2, -2],
    );
    assert.deepEqual(
      scores([0, 0], model, { function_to_apply: 'sigmoid' })[0]!.map(({ score }) => score),
      [0.5, 0.5],
    );
    assert.deepEqual(
      scores([1e30, 0], model, { function_to_apply: 'softmax' })[0]!.map(({ score }) => score),
      [1, 0],
    );
  });

  test('without it the configuration decides, as in transformers’ pipelines', () => {
    const of = (config: object) => testModel({ 'config.json': config }, [], {});
    assert.deepEqual(
      scores([0, 0], of({ problem_type: 'multi_label_classification' }))[0]!.map(({ score }) => score),
      [0.5, 0.5],
    );
    assert.deepEqual(scores([7], of({ problem_type: 'regression' })), [[{ label: 'LABEL_0', score: 7 }]]);
    assert.deepEqual(scores([0], of({})), [[{ label: 'LABEL_0', score: 0.5 }]]);
    assert.deepEqual(scores([0, 1], of({ id2label: { 1: 'b', 0: 'a' }, function_to_apply: 'none' }))[0], [
      { label: 'b', score: 1 },
      { label: 'a', score: 0 },
    ]);
  });

  test('an answer that is no row of scores per text is model_failed', () => {
    for (const [shape, values] of [
      [
        [1, 3],
        [1, 2, 3],
      ],
      [
        [2, 2],
        [1, 2, 3, 4],
      ],
      [[2], [1, 2]],
      [[1, 0], []],
      [
        [1, 2, 2],
        [1, 2, 3, 4],
      ],
      [
        [1, 2],
        [Number.NaN, 1],
      ],
    ]) {
      assert.throws(
        () => scores(values!, model, {}, shape),
        { code: 'model_failed', message: /answer of model m/ },
        `[${shape}]`,
      );
    }
    const nothing = { model_name: 'm', model_version: '1', outputs: [] };
    assert.throws(() => task.postprocess(nothing, parse('x'), model), { code: 'model_failed', message: /no outputs/ });
  });
});
