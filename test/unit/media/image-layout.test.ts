import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseImageProcessor, processImage } from '../../../functions/media/image-processor.ts';
import type { Picture } from '../../../functions/media/picture.ts';
import { fromTimmConfig } from '../../../functions/media/timm-config.ts';

type Sides = readonly [width: number, height: number];

/** Sizes that transformers' own functions give, computed by hand from their sources. */
const cases: [name: string, config: Record<string, unknown>, picture: Sides, size: Sides, canvas?: Sides][] = [
  ['DETR', { feature_extractor_type: 'DetrFeatureExtractor', size: 800, max_size: 1333 }, [640, 480], [1066, 800]],
  [
    'DETR, long',
    { feature_extractor_type: 'DetrFeatureExtractor', size: 800, max_size: 1333 },
    [1000, 300],
    [1333, 400],
  ],
  [
    'DETR, upright',
    { image_processor_type: 'DetrImageProcessor', size: { shortest_edge: 800, longest_edge: 1333 } },
    [480, 640],
    [800, 1066],
  ],
  [
    'YOLOS, multiples of 16',
    { image_processor_type: 'YolosImageProcessor', size: { shortest_edge: 512, longest_edge: 864 } },
    [640, 480],
    [672, 512],
  ],
  [
    'RT-DETR',
    { image_processor_type: 'RTDetrImageProcessor', size: { height: 640, width: 640 } },
    [100, 50],
    [640, 640],
  ],
  [
    'MaskFormer, up to 32s',
    {
      image_processor_type: 'MaskFormerImageProcessor',
      size: { shortest_edge: 800, longest_edge: 1333 },
      size_divisor: 32,
    },
    [640, 480],
    [1088, 800],
  ],
  ['GLPN, down to 32s', { image_processor_type: 'GLPNImageProcessor', size_divisor: 32 }, [100, 70], [96, 64]],
  [
    'DPT',
    {
      image_processor_type: 'DPTImageProcessor',
      size: { height: 384, width: 384 },
      keep_aspect_ratio: true,
      ensure_multiple_of: 32,
    },
    [640, 480],
    [512, 384],
  ],
  [
    'TextNet, up to 32s',
    { image_processor_type: 'TextNetImageProcessor', size: { shortest_edge: 640 }, size_divisor: 32 },
    [97, 61],
    [1024, 640],
  ],
  [
    'Swin2SR of newer files, mirrored',
    { image_processor_type: 'Swin2SRImageProcessor', do_pad: true, size_divisor: 8 },
    [97, 61],
    [97, 61],
    [104, 64],
  ],
  [
    'DETR of newer files',
    {
      image_processor_type: 'DetrImageProcessor',
      size: { shortest_edge: 800, longest_edge: 1333 },
      do_convert_annotations: true,
    },
    [640, 480],
    [1066, 800],
  ],
  [
    'Swin2SR, mirrored',
    { image_processor_type: 'Swin2SRImageProcessor', do_pad: true, pad_size: 8 },
    [16, 9],
    [16, 9],
    [24, 16],
  ],
  ['Segformer', { feature_extractor_type: 'SegformerFeatureExtractor', size: 512 }, [640, 480], [512, 512]],
  ['letterbox', { size: 640, do_letterbox: true }, [200, 100], [640, 320], [640, 640]],
];

suite('sizes', () => {
  for (const [name, config, [width, height], size, canvas = size] of cases) {
    test(name, () => {
      const { layOut } = parseImageProcessor(config);
      const found = layOut({ width, height });
      assert.deepEqual([found.size.width, found.size.height], size);
      assert.deepEqual([found.box.width, found.box.height], canvas);
    });
  }
});

function ramp(width: number, height: number): Picture {
  return { width, height, channels: 1, data: Uint8Array.from({ length: width * height }, (_, i) => i + 1) };
}

test('a letterbox has its ground on both sides, the odd line at the bottom, or at the right and bottom alone', () => {
  const config = { size: { height: 4, width: 3 }, do_letterbox: true, do_grayscale: true, pad_value: 9 };
  const centred = processImage(ramp(3, 1), parseImageProcessor(config));
  assert.deepEqual([...centred.data], [9, 9, 9, 1, 2, 3, 9, 9, 9, 9, 9, 9]);
  const cornered = processImage(ramp(3, 1), parseImageProcessor({ ...config, pad_position: 'top_left' }));
  assert.deepEqual([...cornered.data], [1, 2, 3, 9, 9, 9, 9, 9, 9, 9, 9, 9]);
});

test('Swin2SR’s ground is the picture, mirrored at its edges', () => {
  const config = { image_processor_type: 'Swin2SRImageProcessor', pad_size: 4, do_grayscale: true };
  const { data } = processImage(ramp(3, 2), parseImageProcessor(config));
  assert.deepEqual([...data], [1, 2, 3, 3, 4, 5, 6, 6, 4, 5, 6, 6, 1, 2, 3, 3]);
});

test('a config.json of timm becomes the same steps as its own transform', () => {
  const cfg = {
    input_size: [3, 224, 224],
    interpolation: 'bicubic',
    crop_pct: 0.9,
    mean: [0.5, 0.5, 0.5],
    std: [1, 1, 1],
  };
  const { layOut, resample } = parseImageProcessor(fromTimmConfig({ pretrained_cfg: cfg }));
  assert.deepEqual(layOut({ width: 640, height: 480 }), {
    size: { width: 330, height: 248 },
    box: { left: 53, top: 12, width: 224, height: 224 },
  });
  assert.equal(resample, 3);
  const squash = parseImageProcessor(fromTimmConfig({ pretrained_cfg: { ...cfg, crop_pct: 1, crop_mode: 'squash' } }));
  assert.deepEqual(squash.layOut({ width: 640, height: 480 }).size, { width: 224, height: 224 });
  assert.equal(fromTimmConfig({ id2label: {} }), undefined);
  const border = { pretrained_cfg: { ...cfg, crop_mode: 'border' } };
  assert.throws(() => fromTimmConfig(border), { code: 'model_failed', message: /only 'center' and 'squash'/ });
});

test('ViViT’s levels go from -1 to 1', () => {
  const config = { image_processor_type: 'VivitImageProcessor', size: 4, rescale_factor: 1 / 127.5, offset: true };
  const [level] = parseImageProcessor(config).levels;
  assert.deepEqual([level!.values[0], level!.values[255]], [-1, 1]);
});
