import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferRequest } from '../../../functions/inference/protocol.ts';
import { createElements, createTensor } from '../../../functions/inference/tensor.ts';
import { type Model, modelManifestSchema } from '../../../functions/registry/model-manifest.ts';
import { tryTask } from '../../../functions/registry/try-task.ts';
import { type TaskName, taskNames } from '../../../functions/tasks/task-names.ts';
import { bertTokenizer } from '../../tokenizer-files.ts';

const float = (name: string, shape: number[]) => ({ name, datatype: 'FP32' as const, shape });
const int = (name: string, shape: number[]) => ({ name, datatype: 'INT64' as const, shape });

function modelOf(task: TaskName, parts: Partial<Model> = {}, preprocessing?: Record<string, unknown>): Model {
  const manifest = modelManifestSchema.parse({ name: 'm', version: '1', task, preprocessing, files: {} });
  return { manifest, inputs: [float('x', [1, 1, 28, 28])], outputs: [float('y', [1, 10])], assets: {}, ...parts };
}

async function* noTexts(): AsyncGenerator<never> {
  yield assert.fail('no text is asked for');
}

/** Answers `shape` of zeros as `y`, and keeps what it was asked. */
function hostAnswering(shape: (request: InferRequest) => number[]) {
  const asked: InferRequest[] = [];
  const infer = async (_model: unknown, request: InferRequest) => {
    asked.push(request);
    const sizes = shape(request);
    const elements = createElements(
      'FP32',
      sizes.reduce((product, size) => product * size, 1),
    );
    const outputs = [createTensor('logits', 'FP32', sizes, elements)];
    return { response: { model_name: 'm', model_version: '1', outputs } };
  };
  return { asked, infer, generate: noTexts };
}

for (const task of taskNames) {
  test(`a graph over pictures of one digit, without any other file, is no model of ${task}`, async () => {
    const host = hostAnswering(() => [1, 10]);
    await assert.rejects(tryTask(modelOf(task), host, Date.now() + 1000), {
      code: 'invalid_request',
      message: new RegExp(`^the task ${task} does not fit the model: a trial of it failed: `),
    });
  });
}

const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'this', 'is', 'a', 'sentence', '.'];
const assets = { 'tokenizer.json': bertTokenizer(words), 'tokenizer_config.json': { mask_token: '[MASK]' } };
const texts = { inputs: [int('input_ids', [-1, -1])], assets };

test('a graph that does not answer for every token fits no fill-mask, and one that does is tried with a mask', async () => {
  const model = modelOf('fill-mask', { ...texts, outputs: [float('logits', [-1, -1, 10])] });
  const perText = hostAnswering(() => [1, 10]);
  await assert.rejects(tryTask(model, perText, Date.now() + 1000), /does not fit the model/);
  const perToken = hostAnswering(({ inputs }) => [...inputs[0]!.shape, 10]);
  await tryTask(model, perToken, Date.now() + 1000);
  assert.equal(perToken.asked.length, 1);
});

test('a table is tried with a usual row of its columns', async () => {
  const columns = [
    { name: 'alcohol', kind: 'numeric', mean: 13, std: 2 },
    { name: 'colour', kind: 'categorical', categories: ['red', 'white'] },
  ];
  const model = modelOf('tabular-classification', { inputs: [float('x', [-1, 3])] }, { columns });
  const host = hostAnswering(() => [1, 3]);
  await tryTask(model, host, Date.now() + 1000);
  const [row] = host.asked[0]!.inputs;
  assert.deepEqual([...new Float32Array(row!.data.buffer)], [0, 1, 0]);
});
