import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { elementsOf } from '../../functions/inference/tensor.ts';
import { parseImageProcessor } from '../../functions/media/image-processor.ts';
import { readImage } from '../../functions/media/read-image.ts';
import { type Model, modelManifestSchema } from '../../functions/registry/model-manifest.ts';
import { imageClassification } from '../../functions/tasks/image-classification.ts';
import { random } from '../random.ts';
import { type Goal, goal } from '../report.ts';
import { contest, here } from './contest.ts';
import { startPython } from './python-peer.ts';
import type { TransformersJs } from './transformers-js.ts';

const size = 224;
const bicubic = 3;
const config = {
  size: { height: size, width: size },
  resample: bicubic,
  image_mean: [0.485, 0.456, 0.406],
  image_std: [0.229, 0.224, 0.225],
};
const options = { do_resize: true, do_rescale: true, do_normalize: true, rescale_factor: 1 / 255, ...config };

/** A JPEG of a megapixel → the tensor that a ViT takes, bicubic. */
export async function pictures(
  rounds: number,
  peer: TransformersJs | undefined,
): Promise<{ goals: Goal[]; text: string }> {
  const photo = await makePhoto(1155, 866);
  const folder = mkdtempSync(join(tmpdir(), 'bench-pictures-'));
  const path = join(folder, 'photo.jpg');
  writeFileSync(path, photo);
  const pillow = await startPython('pillow', ['PIL'], [path, size, bicubic, config.image_mean, config.image_std]);
  const answer = pillow?.answer as { pixels: string; numpy: boolean } | undefined;
  const exact = prepare(photo, false);
  const fast = prepare(photo, true);
  const transformers = peer && prepareByTransformers(photo, peer);
  const difference = await checkAnswers(photo, {
    exact,
    fast,
    transformers,
    pillow: answer?.pixels,
  });

  const names = {
    sharp: `sharp ${sharp.versions.sharp} alone: decode, resize, pixels`,
    fast: 'Lambent, `fast`: tensor',
    exact: 'Lambent, exact: tensor',
    pillow: `Pillow ${pillow?.version}: decode, resize`,
    numpy: `Pillow ${pillow?.version} and NumPy: tensor`,
    transformers: `transformers.js ${peer?.env.version}: tensor`,
  };
  const alone = () => sharp(photo).resize(size, size, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer();
  const { milliseconds, table } = await contest(
    [
      here(names.sharp, alone),
      here(names.fast, fast),
      here(names.exact, exact),
      ...(pillow ? [{ name: names.pillow, time: (calls: number) => pillow.time('resized', calls) }] : []),
      ...(pillow && answer?.numpy
        ? [{ name: names.numpy, time: (calls: number) => pillow.time('tensor', calls) }]
        : []),
      ...(transformers ? [here(names.transformers, transformers)] : []),
    ],
    { rounds, calls: 4 },
  );
  pillow?.end();
  rmSync(folder, { recursive: true });
  const ratio = (one: string, other: string) => milliseconds.get(one)! / milliseconds.get(other)!;
  return {
    goals: [
      ...(pillow
        ? [
            goal(
              '1-megapixel JPEG → tensor, exact: of Pillow’s decode and resize',
              { most: 1.2 },
              ratio(names.exact, names.pillow),
              '×',
            ),
          ]
        : []),
      goal('1-megapixel JPEG → tensor, fast: of sharp alone', { most: 1.1 }, ratio(names.fast, names.sharp), '×'),
    ],
    text: `A JPEG of 1155×866 pixels (${Math.round(photo.length / 1000)} kB) → 224×224, bicubic, normalised, FP32. ${difference}\n\n${table}`,
  };
}

/** Shapes and noise that a JPEG keeps in its usual 1.7 bits a pixel. */
async function makePhoto(width: number, height: number): Promise<Buffer> {
  const next = random(9);
  const coarse = Buffer.from(Array.from({ length: 100 * 75 * 3 }, () => Math.floor(next() * 256)));
  const raw = { width: 100, height: 75, channels: 3 } as const;
  return await sharp(coarse, { raw })
    .resize(width, height, { kernel: 'cubic', fit: 'fill' })
    .jpeg({ quality: 88 })
    .toBuffer();
}

type Prepare = () => Promise<Float32Array>;

function prepare(photo: Uint8Array, fast: boolean): Prepare {
  const manifest = modelManifestSchema.parse({
    name: 'vit',
    version: '1',
    files: {},
    preprocessing: { ...config, fast },
  });
  const input = { name: 'pixel_values', datatype: 'FP32', shape: [-1, 3, size, size] } as const;
  const model: Model = { manifest, inputs: [input], outputs: [], assets: {} };
  const given = imageClassification.input.parse({ inputs: photo });
  return async () => {
    const { inputs } = await imageClassification.preprocess(given, model);
    return elementsOf({ ...inputs[0]!, datatype: 'FP32' });
  };
}

function prepareByTransformers(photo: Buffer, { RawImage, ViTImageProcessor }: TransformersJs): Prepare {
  const processor = new ViTImageProcessor(options);
  const blob = new Blob([new Uint8Array(photo)]);
  return async () => (await processor(await RawImage.fromBlob(blob))).pixel_values.data;
}

/** Throws where the exact way is not Pillow's; says how far off the others are. */
async function checkAnswers(
  photo: Uint8Array,
  {
    exact,
    fast,
    transformers,
    pillow,
  }: { exact: Prepare; fast: Prepare; transformers: Prepare | undefined; pillow: string | undefined },
): Promise<string> {
  const { picture } = await readImage(photo, parseImageProcessor(config));
  if (pillow !== undefined && Buffer.from(picture.data).toString('hex') !== pillow)
    throw new Error('pixels are not Pillow’s');
  const expected = await exact();
  const levelsOff = async (other: Prepare) => {
    const found = await other();
    if (found.length !== expected.length) throw new Error(`${found.length} numbers for ${expected.length}`);
    const off = found.reduce((sum, value, index) => sum + Math.abs(value - expected[index]!), 0) / found.length;
    return off * 0.226 * 255;
  };
  const fastOff = await levelsOff(fast);
  if (fastOff > 4) throw new Error(`the fast way is ${fastOff} levels off`);
  const theirs = transformers
    ? `transformers.js ${(await levelsOff(transformers)).toFixed(1)}`
    : 'transformers.js is not there';
  const equal = pillow === undefined ? 'Pillow is not there.' : 'The exact way equals Pillow in every bit;';
  return `${equal} grey levels that others are off in the mean: \`fast\` ${fastOff.toFixed(1)}, ${theirs}.`;
}
