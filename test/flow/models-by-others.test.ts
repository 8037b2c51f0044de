import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { onnxModel } from '../onnx-model.ts';
import { constantModel, pixelValues } from '../task-model.ts';
import { writePcm16 } from '../wav.ts';
import { pushFiles, pushModel } from './push-model.ts';
import { type RunningPlatform, runPlatform, temporaryState } from './run-platform.ts';

type Manifest = Parameters<typeof pushModel>[1];

/** Networks as their authors export them, with small graphs of the same inputs and outputs: a model.json is all they get. */
let temporary: Awaited<ReturnType<typeof temporaryState>>;
let platform: RunningPlatform;
before(async () => {
  temporary = await temporaryState();
  platform = await runPlatform(temporary.state);
});
after(async () => {
  await platform.end('SIGKILL');
  await temporary.remove();
});

async function ask(model: string, body: Uint8Array, type: string): Promise<Response> {
  const answer = await platform.request(`/models/${model}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: new Uint8Array(body),
  });
  if (answer.status !== 200) assert.fail(await answer.text());
  return answer;
}

const json = async (model: string, body: Uint8Array, type: string) => (await ask(model, body, type)).json();

const grey = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#777' } })
    .jpeg()
    .toBuffer();

test('a YOLO: boxes come back through the letterbox, overlapping ones once', async () => {
  // [1, 4 + labels, boxes]: centre and size in pixels of the 64×64 input, then a score for each label.
  const boxes = [
    [32, 32, 32, 16, 0.9, 0.1],
    [33, 32, 32, 16, 0.8, 0.1],
    [16, 24, 8, 8, 0.05, 0.7],
    [50, 40, 8, 8, 0.1, 0.2],
  ];
  const values = Array.from({ length: 6 }, (_, row) => boxes.map((box) => box[row]!)).flat();
  const graph = constantModel([{ ...pixelValues(64), name: 'images' }], { output0: { shape: [1, 6, 4], values } });
  const manifest: Manifest = {
    name: 'yolo',
    task: 'object-detection',
    labels: ['car', 'dog'],
    preprocessing: { size: { height: 64, width: 64 }, do_letterbox: true },
  };
  assert.match(await pushModel(platform, manifest, graph), /^READY {2}yolo 1/);
  // 100×50 becomes 64×32 in the middle of 64×64: 16 rows above it. Fractions are cut off, as transformers' pipeline does.
  assert.deepEqual(await json('yolo', await grey(100, 50), 'image/jpeg'), [
    { label: 'car', score: Math.fround(0.9), box: { xmin: 25, ymin: 12, xmax: 75, ymax: 37 } },
    { label: 'dog', score: Math.fround(0.7), box: { xmin: 18, ymin: 6, xmax: 31, ymax: 18 } },
  ]);
});

test('a DETR with the preprocessor_config.json of its authors and a pixel mask', async () => {
  const graph = constantModel([pixelValues(-1), { name: 'pixel_mask', datatype: 'INT64', shape: [1, -1, -1] }], {
    logits: { shape: [1, 2, 3], values: [0, 9, 0, 0, 0, 9] },
    pred_boxes: { shape: [1, 2, 4], values: [0.5, 0.5, 0.2, 0.4, 0.1, 0.1, 0.1, 0.1] },
  });
  const preprocessor = {
    image_processor_type: 'DetrImageProcessor',
    ...{ do_convert_annotations: true, do_normalize: true, do_pad: true, do_rescale: true, do_resize: true },
    ...{ format: 'coco_detection', resample: 2, rescale_factor: 1 / 255 },
    ...{ image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] },
    size: { shortest_edge: 80, longest_edge: 133 },
  };
  const config = { id2label: { 0: 'cat', 1: 'dog' } };
  const files = {
    'model.onnx': graph,
    'preprocessor_config.json': Buffer.from(JSON.stringify(preprocessor)),
    'config.json': Buffer.from(JSON.stringify(config)),
  };
  assert.match(await pushFiles(platform, { name: 'detr', task: 'object-detection' }, files), /^READY {2}detr 1/);
  const [found, ...others] = (await json('detr', await grey(100, 50), 'image/jpeg')) as {
    label: string;
    box: object;
  }[];
  assert.deepEqual([found!.label, found!.box, others], ['dog', { xmin: 40, ymin: 15, xmax: 60, ymax: 35 }, []]);
});

test('a Magika: the first and last bytes of any file, white space stripped, decide', async () => {
  // Logits are (0, first byte - 48): a file that begins with a letter is text, one with a bracket or less is not.
  const weights = new Float32Array(128 * 2);
  weights[1] = 1;
  const graph = onnxModel({
    nodes: [
      { op: 'Cast', inputs: ['bytes'], outputs: ['numbers'], attributes: { to: 1 } },
      { op: 'MatMul', inputs: ['numbers', 'weights'], outputs: ['sums'] },
      { op: 'Add', inputs: ['sums', 'bias'], outputs: ['logits'] },
      { op: 'Softmax', inputs: ['logits'], outputs: ['target_label'], attributes: { axis: 1 } },
    ],
    inputs: [{ name: 'bytes', datatype: 'INT32', shape: [-1, 128] }],
    outputs: [{ name: 'target_label', datatype: 'FP32', shape: [-1, 2] }],
    initializers: [
      { name: 'weights', datatype: 'FP32', shape: [128, 2], data: weights },
      { name: 'bias', datatype: 'FP32', shape: [2], data: Float32Array.of(0, -48) },
    ],
  });
  const manifest: Manifest = {
    name: 'magika',
    task: 'file-classification',
    labels: ['pdf', 'txt'],
    preprocessing: {
      bytes: { beginning: 64, middle: 0, end: 64, block: 4096, padding: 256, strip: true },
      function_to_apply: 'none',
    },
  };
  assert.match(await pushModel(platform, manifest, graph), /^READY {2}magika 1/);
  const best = async (file: string) => {
    const [first] = (await json('magika', Buffer.from(file), 'application/octet-stream')) as { label: string }[];
    return first?.label;
  };
  assert.deepEqual([await best('  \n%PDF-1.7'), await best('hello')], ['pdf', 'txt']);
});

test('an ESPCN: luminance through the network, colours enlarged beside it, a PNG of three times the size', async () => {
  const graph = onnxModel({
    nodes: [
      { op: 'Conv', inputs: ['input', 'weights'], outputs: ['features'], attributes: { kernel_shape: [1, 1] } },
      { op: 'DepthToSpace', inputs: ['features'], outputs: ['output'], attributes: { blocksize: 3 } },
    ],
    inputs: [{ name: 'input', datatype: 'FP32', shape: [1, 1, -1, -1] }],
    outputs: [{ name: 'output', datatype: 'FP32', shape: [1, 1, -1, -1] }],
    initializers: [{ name: 'weights', datatype: 'FP32', shape: [9, 1, 1, 1], data: new Float32Array(9).fill(1) }],
  });
  const preprocessing = { do_luminance: true, do_resize: false, do_normalize: false };
  const manifest: Manifest = { name: 'espcn', task: 'image-to-image', preprocessing } as const;
  assert.match(await pushModel(platform, manifest, graph), /^READY {2}espcn 1/);
  const pixels = Buffer.from([200, 30, 40, 20, 180, 60]);
  const small = await sharp(pixels, { raw: { width: 2, height: 1, channels: 3 } })
    .png()
    .toBuffer();
  const answer = await ask('espcn', small, 'image/png');
  assert.equal(answer.headers.get('content-type'), 'image/png');
  const { data, info } = await sharp(new Uint8Array(await answer.arrayBuffer()))
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height, info.channels], [6, 3, 3]);
  // The leftmost pixel keeps its luminance, 76.8, and most of its red.
  const [red, green, blue] = data;
  assert.ok(Math.abs(red! * 0.299 + green! * 0.587 + blue! * 0.114 - 82) < 4 && red! > 180, `${red} ${green} ${blue}`);
});

test('a voice activity network: its state goes from chunk to chunk of one request, a probability for each', async () => {
  // state' = state / 2 + mean |chunk|; the probability is state'.
  const graph = onnxModel({
    nodes: [
      { op: 'Abs', inputs: ['input'], outputs: ['loudness'] },
      { op: 'ReduceMean', inputs: ['loudness'], outputs: ['mean'], attributes: { axes: [1], keepdims: 1 } },
      { op: 'Mul', inputs: ['state', 'half'], outputs: ['kept'] },
      { op: 'Add', inputs: ['kept', 'mean'], outputs: ['stateN'] },
      { op: 'Identity', inputs: ['stateN'], outputs: ['output'] },
    ],
    inputs: [
      { name: 'input', datatype: 'FP32', shape: [-1, -1] },
      { name: 'state', datatype: 'FP32', shape: [1, 1] },
    ],
    outputs: ['output', 'stateN'].map((name) => ({ name, datatype: 'FP32', shape: [1, 1] })),
    initializers: [{ name: 'half', datatype: 'FP32', shape: [1], data: Float32Array.of(0.5) }],
  });
  const manifest: Manifest = {
    name: 'voice',
    task: 'audio-classification',
    labels: ['speech'],
    preprocessing: {
      sampling_rate: 16_000,
      recurrent: { chunk_samples: 512, state: { state: 'stateN' } },
      function_to_apply: 'none',
    },
  };
  assert.match(await pushModel(platform, manifest, graph), /^READY {2}voice 1/);
  const half = writePcm16([...new Array<number>(512).fill(0.5), ...new Array<number>(1024).fill(0)]);
  assert.deepEqual(await json('voice', half, 'audio/wav'), [
    { label: 'speech', score: 0.5, timestamp: [0, 0.032] },
    { label: 'speech', score: 0.25, timestamp: [0.032, 0.064] },
    { label: 'speech', score: 0.125, timestamp: [0.064, 0.096] },
  ]);
});
