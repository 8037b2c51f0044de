import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test, { suite } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeImage } from '../../functions/media/image.ts';
import { type ImageProcessor, parseImageProcessor, processImage } from '../../functions/media/image-processor.ts';
import { normalize } from '../../functions/media/normalize.ts';
import { resampleFilters } from '../../functions/media/resample-weights.ts';
import { resize } from '../../functions/media/resize.ts';
import { createTokenizer } from '../../functions/media/tokenizer.ts';
import { bertTokenizer, gpt2Tokenizer } from '../tokenizer-files.ts';

const folder = fileURLToPath(new URL('../../../shared/data/preprocessing/', import.meta.url));
const skip = existsSync(folder) ? false : 'needs ../shared/data/preprocessing';

interface Statistics {
  readonly shape: readonly [number, number, number];
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly grid8: readonly (readonly (readonly number[])[])[];
}

interface PillowCase extends Record<Pipeline, Statistics> {
  readonly file: string;
  readonly rgb: Statistics;
  readonly resize_224: Record<'nearest' | 'bilinear' | 'bicubic' | 'lanczos' | 'box', Statistics>;
}

const imageNet = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
const openAi = { image_mean: [0.48145466, 0.4578275, 0.40821073], image_std: [0.26862954, 0.26130258, 0.27577711] };
const pipelines = {
  // Made by torchvision's transforms, as timm's are.
  imagenet_256_crop224_bilinear: {
    image_processor_type: 'TimmWrapperImageProcessor',
    size: { shortest_edge: 256 },
    crop_size: 224,
    resample: 2,
    ...imageNet,
  },
  clip_224_bicubic: { size: { shortest_edge: 224 }, crop_size: 224, resample: 3, ...openAi },
  vit_224_half: { size: { height: 224, width: 224 }, resample: 2, image_mean: 0.5, image_std: 0.5 },
};
type Pipeline = keyof typeof pipelines;

suite('pictures', { skip }, () => {
  for (const expected of skip ? [] : (readJson('pillow-cases.json') as { cases: PillowCase[] }).cases) {
    test(`${expected.file} is decoded, resized and normalised to Pillow's numbers`, async () => {
      const picture = await decodeImage(readFileSync(folder + expected.file));
      assertLevels(picture, expected.rgb);
      for (const [filter, statistics] of Object.entries(expected.resize_224)) {
        const resample = resampleFilters[filter as keyof typeof resampleFilters];
        assertLevels(resize(picture, { width: 224, height: 224 }, resample), statistics);
      }
      for (const [pipeline, config] of Object.entries(pipelines)) {
        const processor = parseImageProcessor(config);
        const seen = processImage(picture, processor);
        // The samples have five decimals, and the means were summed up in single precision.
        assertClose(normalized(seen, processor), expected[pipeline as Pipeline], 1e-5, 2e-3);
      }
    });
  }
});

suite('tokenizers', { skip }, () => {
  const names = { 'Xenova/bert-base-uncased': 'bert', 'Xenova/gpt2': 'gpt2', 'openai-community/gpt2': 'gpt2' } as const;
  for (const [name, kind] of Object.entries(names)) {
    test(`every text and pair of ${name} has its ids`, () => {
      const read = (file: string) => readFileSync(`${folder}tokenizers/${file}`, 'utf8');
      const tokenizer = createTokenizer(
        kind === 'bert'
          ? bertTokenizer(read('bert-base-uncased-vocab.txt').trimEnd().split('\n'))
          : gpt2Tokenizer(JSON.parse(read('gpt2-vocab.json')) as Record<string, number>, read('gpt2-merges.txt')),
        {},
      );
      const cases = readJson('tokenizer-cases.json') as Record<
        string,
        Record<string, { text: string; text_pair?: string; ids: number[] }>
      >;
      for (const [label, { text, text_pair, ids }] of Object.entries(cases[name]!)) {
        const given = text_pair === undefined ? text : ([text, text_pair] as const);
        for (const offsets of [false, true]) {
          assert.deepEqual(tokenizer.encode([given], { offsets }).rows[0]!.ids, ids, label);
        }
      }
    });
  }
});

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(folder + file, 'utf8'));
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

function normalized(picture: Pixels & Parameters<typeof normalize>[0], processor: ImageProcessor): Pixels {
  const data = new Float32Array(picture.width * picture.height * 3);
  normalize(picture, processor, 'channels_last', picture, data, Number);
  return { width: picture.width, height: picture.height, data };
}

function assertLevels(pixels: Pixels, expected: Statistics): void {
  assertClose(pixels, expected, 0, 1e-6);
}

/** Compares 8×8 samples, and mean and deviation over all pixels, so that no pixel can be off unseen. */
function assertClose(pixels: Pixels, expected: Statistics, tolerance: number, meanTolerance: number): void {
  const { width, height, data } = pixels;
  assert.deepEqual([height, width, 3], expected.shape);
  const position = (index: number, count: number) => roundHalfEven((index * (count - 1)) / 7);
  for (let row = 0; row < 8; row++) {
    for (let column = 0; column < 8; column++) {
      for (let channel = 0; channel < 3; channel++) {
        const at = (position(row, height) * width + position(column, width)) * 3 + channel;
        const difference = Math.abs(data[at]! - expected.grid8[row]![column]![channel]!);
        assert.ok(difference <= tolerance, `row ${row}, column ${column}, channel ${channel} is off by ${difference}`);
      }
    }
  }
  for (let channel = 0; channel < 3; channel++) {
    let sum = 0;
    let squares = 0;
    for (let at = channel; at < data.length; at += 3) {
      sum += data[at]!;
      squares += data[at]! ** 2;
    }
    const mean = sum / (width * height);
    const deviation = Math.sqrt(Math.max(0, squares / (width * height) - mean ** 2));
    assert.ok(Math.abs(mean - expected.mean[channel]!) <= meanTolerance, `mean ${mean}, not ${expected.mean[channel]}`);
    assert.ok(
      Math.abs(deviation - expected.std[channel]!) <= 2e-3,
      `deviation ${deviation}, not ${expected.std[channel]}`,
    );
  }
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}
