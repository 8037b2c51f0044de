import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { ServiceError } from '../../../functions/errors.ts';
import type { InferRequest } from '../../../functions/inference/protocol.ts';
import { elementsOf } from '../../../functions/inference/tensor.ts';
import { tasks } from '../../../functions/tasks/index.ts';
import { type Infer, runTask } from '../../../functions/tasks/task.ts';
import { runOffLoop } from '../../../functions/threads/run-off-loop.ts';
import { onnxModel } from '../../onnx-model.ts';
import { constantModel, pixelValues, startModels } from '../../task-model.ts';
import { bertTokenizer } from '../../tokenizer-files.ts';

const models = startModels();
after(() => models.close());

const noise = Buffer.from(Array.from({ length: 60 * 40 * 3 }, (_, index) => (index * 7919) % 256));
const photo = await sharp(noise, { raw: { width: 60, height: 40, channels: 3 } })
  .resize(900, 600)
  .jpeg({ quality: 95 })
  .toBuffer();

async function openClassifier() {
  return await models.open({
    task: 'image-classification',
    graph: constantModel([pixelValues(24)], { logits: { shape: [1, 2], values: [0, 2] } }),
    manifest: { labels: ['cat', 'dog'], preprocessing: { size: 24, image_mean: 0.5, image_std: 0.5 } },
  });
}

test('a task in a thread sends its model the same numbers and answers the same as one on the event loop', async () => {
  const { model, infer } = await openClassifier();
  const asked: InferRequest[] = [];
  const record: Infer = (request) => {
    asked.push(request);
    return infer(request);
  };
  const input = tasks['image-classification'].input.parse({ inputs: new Uint8Array(photo) });
  const here = await runTask(tasks['image-classification'], input, model, record);
  // The second time the thread has the model.
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await runOffLoop('image-classification', input, model, record), here);
  }
  const [first, ...others] = asked.map(({ inputs }) => Array.from(elementsOf({ ...inputs[0]!, datatype: 'FP32' })));
  assert.equal(first!.length, 3 * 24 * 24);
  assert.deepEqual(others, [first, first]);
});

test('a file that a thread has made is kept as base64 in JSON, as one made here', async () => {
  const { model, infer } = await models.open({
    task: 'image-to-image',
    graph: onnxModel({
      nodes: [{ op: 'Identity', inputs: ['pixel_values'], outputs: ['reconstruction'] }],
      inputs: [pixelValues(-1)],
      outputs: [{ ...pixelValues(-1), name: 'reconstruction' }],
    }),
    manifest: { preprocessing: { do_resize: false, do_normalize: false } },
  });
  const parameters = { target_size: { width: 30, height: 20 } };
  const input = tasks['image-to-image'].input.parse({ inputs: new Uint8Array(photo), parameters });
  const here = await runTask(tasks['image-to-image'], input, model, infer);
  const there = (await runOffLoop('image-to-image', input, model, infer)) as Uint8Array;
  assert.equal(JSON.stringify(there), JSON.stringify(here));
  const { width, height, format } = await sharp(Buffer.from(JSON.parse(JSON.stringify(there)), 'base64')).metadata();
  assert.deepEqual([width, height, format], [30, 20, 'png']);
});

test('errors keep their code and words, whether the input, the package or the run of the model is at fault', async () => {
  const { model, infer } = await openClassifier();
  const parse = (inputs: Uint8Array) => tasks['image-classification'].input.parse({ inputs });
  const cut = parse(new Uint8Array(photo.subarray(0, 6000)));
  await assert.rejects(runOffLoop('image-classification', cut, model, infer), {
    name: 'ServiceError',
    code: 'invalid_request',
    message: /JPEG picture cannot be decoded/,
  });
  const busy = new ServiceError('throttled', 'too many', { retryAfterSeconds: 7 });
  const whole = parse(new Uint8Array(photo));
  const refused = runOffLoop('image-classification', whole, model, () => Promise.reject(busy));
  await assert.rejects(refused, (error) => error === busy);
  const { preprocessing: _, ...manifest } = model.manifest;
  await assert.rejects(runOffLoop('image-classification', whole, { ...model, manifest }, infer), {
    code: 'model_failed',
    message: /neither preprocessor_config.json nor preprocessing/,
  });
});

test('the event loop is free while a long text is read', async () => {
  const { model, infer } = await models.open({
    task: 'text-classification',
    graph: constantModel([{ name: 'input_ids', datatype: 'INT64', shape: [1, -1] }], {
      logits: { shape: [1, 2], values: [0, 1] },
    }),
    manifest: { labels: ['no', 'yes'] },
    assets: { 'tokenizer.json': bertTokenizer(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'good', 'bad', '##ly']) },
  });
  const input = tasks['text-classification'].input.parse({ inputs: 'goodly bad good badly, '.repeat(4000) });
  await runOffLoop('text-classification', input, model, infer);
  const before = performance.eventLoopUtilization();
  await runOffLoop('text-classification', input, model, infer);
  const { utilization } = performance.eventLoopUtilization(before);
  assert.ok(utilization < 0.5, `the event loop was busy for ${utilization} of the time`);
});
