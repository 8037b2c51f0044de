import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { parseInput } from '../../../functions/http/parse-input.ts';
import type { Datatype } from '../../../functions/inference/protocol.ts';
import { numbersOf } from '../../../functions/inference/tensor.ts';
import { imageClassification as task } from '../../../functions/tasks/image-classification.ts';
import { writePng } from '../../pictures.ts';
import { answer, testModel } from './models.ts';

const file = writePng({ width: 2, height: 1, bits: 8, colourType: 2 }, [Buffer.of(0, 51, 102, 153, 204, 255)]);
const png = new Uint8Array(file);
const asIs = { do_resize: false, do_rescale: false, do_normalize: false };
const input = (shape: number[], datatype: Datatype = 'FP32') => [{ name: 'pixel_values', datatype, shape }];

async function preprocess(
  config: object | undefined,
  shape: number[],
  datatype: Datatype = 'FP32',
  bytes: Uint8Array = png,
) {
  const assets = config ? { 'preprocessor_config.json': config } : {};
  const model = testModel(assets, input(shape, datatype), { task: 'image-classification' });
  const request = await task.preprocess(parseInput(task.input, { inputs: bytes }), model);
  const tensor = request.inputs[0]! as Parameters<typeof numbersOf>[0];
  return {
    name: tensor.name,
    datatype: tensor.datatype,
    shape: tensor.shape,
    values: Array.from(numbersOf(tensor), Number),
  };
}

suite('preprocessing', () => {
  test('a picture becomes planes of the graph’s datatype', async () => {
    const planes = [0, 153, 51, 204, 102, 255];
    for (const datatype of ['FP32', 'FP64', 'FP16', 'UINT8'] as const) {
      assert.deepEqual(await preprocess(asIs, [-1, 3, -1, -1], datatype), {
        name: 'pixel_values',
        datatype,
        shape: [1, 3, 1, 2],
        values: planes,
      });
    }
  });

  test('a graph with channels last, or without a batch, gets what it declares', async () => {
    const last = await preprocess(asIs, [1, 1, 2, 3]);
    assert.deepEqual(
      [last.shape, last.values],
      [
        [1, 1, 2, 3],
        [0, 51, 102, 153, 204, 255],
      ],
    );
    assert.deepEqual((await preprocess(asIs, [3, 1, 2])).shape, [3, 1, 2]);
  });

  test('do_grayscale makes one channel, do_pad adds zeros after normalisation', async () => {
    const grey = await preprocess({ ...asIs, do_grayscale: true }, [1, 1, -1, -1]);
    assert.deepEqual(
      [grey.shape, grey.values],
      [
        [1, 1, 1, 2],
        [42, 195],
      ],
    );
    const config = { ...asIs, do_grayscale: true, do_normalize: true, image_mean: 1, image_std: 1, do_pad: true };
    const padded = await preprocess({ ...config, pad_size: { height: 2, width: 3 } }, [1, 1, -1, -1]);
    assert.deepEqual(padded.values, [41, 194, 0, 0, 0, 0]);
  });

  test('preprocessing in model.json and the size of the graph stand in for preprocessor_config.json', async () => {
    const model = testModel({}, input([1, 3, 4, 5]), { preprocessing: { do_rescale: false } });
    const request = await task.preprocess({ inputs: png, parameters: { top_k: 5 } }, model);
    assert.deepEqual(request.inputs[0]!.shape, [1, 3, 4, 5]);
  });

  test('a package that does not fit its graph is model_failed and says how', async () => {
    const wrong: [() => Promise<unknown>, RegExp][] = [
      [() => preprocess(undefined, [1, 3, 1, 2]), /neither preprocessor_config\.json nor preprocessing/],
      [() => preprocess(asIs, [1, 3, 224, 224]), /makes pixel_values \[1,3,1,2\]; its graph takes \[1,3,224,224\]/],
      [() => preprocess(asIs, [1, 3, 1, 2], 'INT64'), /pixels as INT64; FP32, FP64, FP16, UINT8/],
      [() => preprocess({ do_resize: false }, [1, 3, 1, 2], 'UINT8'), /do_rescale and do_normalize must be false/],
    ];
    for (const [result, message] of wrong) await assert.rejects(result(), { code: 'model_failed', message });
    const two = testModel({ 'preprocessor_config.json': asIs }, [...input([1]), ...input([1])], {
      task: 'image-classification',
    });
    const request = task.preprocess({ inputs: png, parameters: { top_k: 5 } }, two);
    await assert.rejects(request, {
      code: 'model_failed',
      message: /fills one input; the graph has: pixel_values, pixel_values/,
    });
  });
});

suite('input', () => {
  test('bytes, base64 and a data: URL are the same picture', () => {
    const base64 = file.toString('base64');
    for (const inputs of [png, base64, `data:image/png;base64,${base64}`, base64.replace(/.{20}/g, '$&\r\n')]) {
      assert.deepEqual(parseInput(task.input, { inputs }).inputs, png);
    }
  });

  test('a URL is not fetched and a path is not opened: both are invalid_request', () => {
    for (const inputs of ['https://example.com/cat.png', 'file:///etc/passwd', '/etc/passwd.png', '', 7, null]) {
      assert.throws(() => parseInput(task.input, { inputs }), {
        code: 'invalid_request',
        message: /inputs is .*bytes of a picture/,
      });
    }
  });
});

test('scores come as [{ label, score }], the best five without top_k, also from an output [1, labels, 1, 1]', () => {
  const model = testModel({}, [], {});
  const response = answer([1, 6, 1, 1], [0, 1, 2, 3, 4, 5], 'softmaxout');
  const found = task.postprocess(response, { inputs: png, parameters: { top_k: 5, function_to_apply: 'none' } }, model);
  assert.deepEqual(
    found,
    [5, 4, 3, 2, 1].map((score) => ({ label: `LABEL_${score}`, score })),
  );
});
