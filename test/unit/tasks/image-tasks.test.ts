import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import sharp from 'sharp';
import { decodeImage } from '../../../functions/media/image.ts';
import { onnxModel } from '../../onnx-model.ts';
import { digest, formulaPicture } from '../../pictures.ts';
import { constantModel, pixelValues, startModels } from '../../task-model.ts';

const models = startModels();
after(() => models.close());

const colours = formulaPicture(8, 4, 3);
const picture = new Uint8Array(
  await sharp(colours.data, { raw: { width: 8, height: 4, channels: 3 } })
    .png()
    .toBuffer(),
);

interface Mask {
  label: string;
  score?: number;
  mask: string;
}

/** Rows of # and . */
async function drawing({ mask }: Mask): Promise<string[]> {
  const png = sharp(Buffer.from(mask, 'base64'));
  const { channels, space } = await png.metadata();
  assert.deepEqual([channels, space], [1, 'b-w']);
  const { data, info } = await png.toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  return Array.from({ length: info.height }, (_, y) =>
    [...data.subarray(y * info.width, (y + 1) * info.width)]
      .map((level) => (level === 255 ? '#' : level ? '?' : '.'))
      .join(''),
  );
}

suite('image-segmentation', () => {
  const preprocessing = { size: { height: 4, width: 4 } };

  test('logits become masks of the picture’s size, without a score: the largest after bilinear interpolation', async () => {
    const { ask } = await models.open({
      task: 'image-segmentation',
      graph: constantModel([pixelValues(4)], {
        logits: { shape: [1, 3, 2, 2], values: [1, 0, 1, 0, 0, 1, 0, 0, -1, -1, -1, 2] },
      }),
      manifest: { labels: ['sky', 'tree', 'road'], preprocessing },
    });
    const masks = (await ask({ inputs: picture })) as Mask[];
    assert.deepEqual(await Promise.all(masks.map(async (mask) => [mask.label, 'score' in mask, await drawing(mask)])), [
      ['sky', false, ['####....', '####....', '####....', '####....']],
      ['tree', false, ['....####', '....####', '........', '........']],
      ['road', false, ['........', '........', '....####', '....####']],
    ]);
  });

  const queries = {
    // Car, road, car again but weak, nothing.
    logits: { shape: [1, 4, 3], values: [9, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0, 9] },
    pred_masks: {
      shape: [1, 4, 2, 2],
      values: [9, -9, 9, -9, -9, 9, -9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
    },
  };

  test('masks with a class each become segments; weak ones and "no object" are left out', async () => {
    const { ask } = await models.open({
      task: 'image-segmentation',
      graph: constantModel([pixelValues(4)], queries),
      manifest: { labels: ['car', 'road'], preprocessing },
    });
    const masks = (await ask({ inputs: picture })) as Mask[];
    assert.deepEqual(await Promise.all(masks.map(async (mask) => [mask.label, mask.score, await drawing(mask)])), [
      ['car', 0.999753, new Array(4).fill('####....')],
      ['road', 0.999753, new Array(4).fill('....####')],
    ]);
    const parts = (await ask({ inputs: picture, parameters: { subtask: 'semantic' } })) as Mask[];
    assert.deepEqual(
      parts.map(({ label }) => label),
      ['car', 'road'],
    );
    const strict = { mask_threshold: 1 };
    assert.deepEqual(await ask({ inputs: picture, parameters: strict }), []);
  });

  test('one class is a foreground; a subtask that the model has not is the caller’s error', async () => {
    const { ask } = await models.open({
      task: 'image-segmentation',
      graph: constantModel([pixelValues(4)], { mask: { shape: [1, 1, 1, 2], values: [4, -4] } }),
      manifest: { labels: ['person'], preprocessing },
    });
    const [mask, ...others] = (await ask({ inputs: picture })) as Mask[];
    assert.deepEqual([mask!.label, others, await drawing(mask!)], ['person', [], new Array(4).fill('####....')]);
    const request = ask({ inputs: picture, parameters: { subtask: 'panoptic' } });
    await assert.rejects(request, { code: 'invalid_request', message: /subtask 'panoptic'.*'semantic' alone/ });
  });
});

/** Doubles height and width by repeating pixels. */
function doublingModel(channels: number): Uint8Array {
  const shape = [1, channels, -1, -1];
  return onnxModel({
    nodes: [
      {
        op: 'Resize',
        inputs: ['pixel_values', '', 'scales'],
        outputs: ['made'],
        attributes: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
      },
    ],
    inputs: [{ name: 'pixel_values', datatype: 'FP32', shape }],
    outputs: [{ name: 'made', datatype: 'FP32', shape }],
    initializers: [{ name: 'scales', datatype: 'FP32', shape: [4], data: new Float32Array([1, 1, 2, 2]) }],
  });
}

suite('image-to-image', () => {
  const doubled = Uint8Array.from({ length: 8 * 16 * 3 }, (_, i) => {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % 16, Math.floor(i / 48)];
    return colours.data[((y >> 1) * 8 + (x >> 1)) * 3 + c]!;
  });

  const ways: [string, Record<string, unknown>][] = [
    ['levels from 0 to 1', { do_resize: false }],
    ['levels from 0 to 255, blue first', { do_resize: false, do_rescale: false, do_flip_channel_order: true }],
    ['levels from -1 to 1', { do_resize: false, image_mean: 0.5, image_std: 0.5 }],
    ['mirrored up to a multiple', { image_processor_type: 'Swin2SRImageProcessor', do_pad: true, pad_size: 8 }],
  ];
  for (const [name, preprocessing] of ways) {
    test(`${name}: the answer is a PNG of what the network makes of the picture`, async () => {
      const { ask } = await models.open({
        task: 'image-to-image',
        graph: doublingModel(3),
        manifest: { preprocessing },
      });
      const made = await decodeImage((await ask({ inputs: picture })) as Uint8Array);
      assert.deepEqual([made.width, made.height], [16, 8]);
      assert.deepEqual(new Uint8Array(made.data), doubled);
    });
  }

  test('a network for luminance gets Y, and its colours are Cb and Cr of the picture, as Pillow’s', async () => {
    const { ask } = await models.open({
      task: 'image-to-image',
      graph: doublingModel(1),
      manifest: { preprocessing: { do_resize: false, do_luminance: true } },
    });
    const made = await decodeImage((await ask({ inputs: picture })) as Uint8Array);
    assert.deepEqual([made.width, made.height], [16, 8]);
    assert.equal(digest(new Uint8Array(made.data)), '45f9153545332e83');
  });
});

suite('image-feature-extraction', () => {
  const graph = constantModel([pixelValues(4)], {
    last_hidden_state: { shape: [1, 2, 2], values: [3, 4, 0, 2] },
  });
  const open = (pooling?: string) =>
    models.open({ task: 'image-feature-extraction', graph, manifest: { preprocessing: { size: 4, pooling } } });

  test('hidden states come as they are, pooled and normalised where that is asked for', async () => {
    const { ask } = await open('mean');
    assert.deepEqual(await ask({ inputs: picture }), [
      [
        [3, 4],
        [0, 2],
      ],
    ]);
    assert.deepEqual(await ask({ inputs: picture, parameters: { pool: true } }), [[1.5, 3]]);
    const cls = await (await open('cls')).ask({ inputs: picture, parameters: { pool: true, normalize: true } });
    assert.deepEqual(cls, [[Math.fround(0.6), Math.fround(0.8)]]);
  });

  test('what a model has no pooling for is refused', async () => {
    const request = (await open()).ask({ inputs: picture, parameters: { pool: true } });
    await assert.rejects(request, {
      code: 'invalid_request',
      message: /no pooled output, but last_hidden_state \[1,2,2\]/,
    });
  });
});

suite('file-classification', () => {
  const open = (bytes: object, length: number) =>
    models.open({
      task: 'file-classification',
      graph: onnxModel({
        nodes: [{ op: 'Cast', inputs: ['bytes'], outputs: ['seen'], attributes: { to: 1 } }],
        inputs: [{ name: 'bytes', datatype: 'INT32', shape: [-1, length] }],
        outputs: [{ name: 'seen', datatype: 'FP32', shape: [-1, length] }],
      }),
      manifest: { preprocessing: { bytes, function_to_apply: 'none' } },
    });

  /** What the network sees of a file. */
  async function see(file: string, bytes: object, length: number): Promise<number[]> {
    const { ask } = await open(bytes, length);
    const scores = (await ask({ inputs: new Uint8Array(Buffer.from(file)), parameters: { top_k: length } })) as {
      label: string;
      score: number;
    }[];
    const seen: number[] = [];
    for (const { label, score } of scores) seen[Number(label.slice(6))] = score;
    return seen;
  }

  const text = (numbers: number[]) =>
    numbers.map((number) => (number === 256 ? '_' : String.fromCharCode(number))).join('');

  test('a network sees the beginning, the middle and the end of a file, without white space around it', async () => {
    const window = { beginning: 4, middle: 3, end: 4, block: 8, padding: 256, strip: true };
    assert.equal(text(await see(' \n0123456789abcdef\t ', window, 11)), '0123678cdef');
    assert.equal(text(await see(' ab ', window, 11)), 'ab _ ab_ ab');
    assert.equal(text(await see('x', { ...window, strip: false }, 11)), 'x____x____x');
  });

  test('an empty file is the caller’s error, a window of another length the package’s', async () => {
    const { ask } = await open({ beginning: 4 }, 8);
    await assert.rejects(ask({ inputs: new Uint8Array() }), { code: 'invalid_request', message: /empty/ });
    await assert.rejects(ask({ inputs: new Uint8Array(9) }), { code: 'model_failed', message: /\[1,4\].*\[-1,8\]/ });
  });
});
