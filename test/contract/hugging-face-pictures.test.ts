import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { decodeImage } from '../../functions/media/image.ts';
import { onnxModel } from '../onnx-model.ts';
import { formulaPicture, writePng } from '../pictures.ts';
import { constantModel, pixelValues, startModels } from '../task-model.ts';
import { serveModels } from './serve-models.ts';

const { data } = formulaPicture(4, 4, 3);
const rows = Array.from({ length: 4 }, (_, y) => new Uint8Array(data.subarray(y * 12, y * 12 + 12)));
const png = writePng({ width: 4, height: 4, bits: 8, colourType: 2 }, rows);
const picture = new Blob([new Uint8Array(png)], { type: 'image/png' });

const models = startModels();
const manifest = { labels: ['cat', 'dog'], preprocessing: { size: 4 } };
const same = onnxModel({
  nodes: [{ op: 'Identity', inputs: ['pixel_values'], outputs: ['made'] }],
  inputs: [pixelValues(4)],
  outputs: [{ ...pixelValues(4), name: 'made' }],
});
const boxes = constantModel([pixelValues(4)], {
  logits: { shape: [1, 1, 3], values: [9, 0, 0] },
  pred_boxes: { shape: [1, 1, 4], values: [0.5, 0.5, 0.5, 1] },
});
const halves = constantModel([pixelValues(4)], { logits: { shape: [1, 2, 1, 2], values: [9, 0, 0, 9] } });
const labels = { labels: ['cat', 'dog'] };
const served = await serveModels({
  'image-classification': await models.open({
    task: 'image-classification',
    graph: constantModel([pixelValues(4)], { logits: { shape: [1, 2], values: [0, 9] } }),
    manifest,
  }),
  'image-to-image': await models.open({ task: 'image-to-image', graph: same, manifest }),
  'object-detection': await models.open({ task: 'object-detection', graph: boxes, manifest }),
  'image-segmentation': await models.open({ task: 'image-segmentation', graph: halves, manifest }),
  'image-feature-extraction': await models.open({ task: 'image-feature-extraction', graph: same, manifest }),
  'file-classification': await models.open({
    task: 'file-classification',
    graph: constantModel([{ name: 'bytes', datatype: 'INT32', shape: [1, 8] }], {
      logits: { shape: [1, 2], values: [9, 0] },
    }),
    manifest: {
      ...labels,
      preprocessing: { bytes: { beginning: 8, middle: 0, end: 0, block: 8, padding: 256 } },
    },
  }),
});
const client = (task: string) => served.client(task);
after(async () => {
  served.close();
  await models.close();
});

test('a picture and any other file have labels, best first', async () => {
  const [best] = await client('image-classification').imageClassification({ data: picture });
  assert.equal(best?.label, 'dog');
  // Hugging Face has no such task; its clients send a file and read labels.
  const [kind] = await client('file-classification').imageClassification({ data: new Blob(['#!/bin/sh']) });
  assert.equal(kind?.label, 'cat');
});

test('features of a picture, sent in base64', async () => {
  const inputs = Buffer.from(png).toString('base64');
  const features = await client('image-feature-extraction').featureExtraction({ inputs });
  assert.deepEqual([features.length, (features[0] as number[][]).length], [1, 3]);
});

test('a picture that is made of another comes as a Blob', async () => {
  const made = await client('image-to-image').imageToImage({ inputs: picture });
  assert.equal(made.type, 'image/png');
  const decoded = await decodeImage(new Uint8Array(await made.arrayBuffer()));
  assert.deepEqual(new Uint8Array(decoded.data), data);
});

test('objects and where they are', async () => {
  const [object] = await client('object-detection').objectDetection({ inputs: picture });
  const box = { xmin: 1, ymin: 0, xmax: 3, ymax: 4 };
  assert.deepEqual({ ...object, score: 1 }, { label: 'cat', score: 1, box });
});

test('parts of a picture, asked for by a parameter', async () => {
  const parameters = { subtask: 'semantic' } as const;
  const parts = await client('image-segmentation').imageSegmentation({ inputs: picture, parameters });
  assert.deepEqual(
    parts.map(({ label }) => label),
    ['cat', 'dog'],
  );
  const mask = await decodeImage(new Uint8Array(Buffer.from(String(parts[0]!.mask), 'base64')));
  assert.deepEqual([...mask.data.subarray(0, 12)], [255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0]);
});
