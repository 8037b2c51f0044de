import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { InferResponse } from '../inference/protocol.ts';
import { encodePng } from '../media/image.ts';
import { type Box, maxPixels, type Picture } from '../media/picture.ts';
import { readImage } from '../media/read-image.ts';
import { resampleFilters } from '../media/resample-weights.ts';
import { crop, resize } from '../media/resize.ts';
import { fromYcbcr, toChrominance } from '../media/ycbcr.ts';
import type { Model } from '../registry/model-manifest.ts';
import { toFileOutput } from './file-output.ts';
import {
  type ImageInput,
  type ImageModel,
  imageInput,
  type PreparedImage,
  prepareImage,
  readImageModel,
} from './image-input.ts';
import { failAnswer, findOutput, listOutputs } from './numeric-output.ts';
import type { WholeTask } from './task.ts';

const form = 'a whole number from 1 to 16384 is needed';
const side = z.int(form).min(1, form).max(16_384, form);
const parametersSchema = z.strictObject({
  target_size: z
    .strictObject({
      width: side.describe('Of the answer, in pixels; without both the network’s own.'),
      height: side.describe('As width.'),
    })
    .refine(({ width, height }) => width * height <= maxPixels, `at most ${maxPixels / 1e6} million pixels are allowed`)
    .optional(),
});
const input = z.strictObject({ inputs: imageInput, parameters: parametersSchema.prefault({}) });

/** Numbers that stand for black and white in the output; without it those of the input do. */
const rangeSchema = z.tuple([z.number(), z.number()]).optional();

/** A picture → the picture that a network makes of it (super-resolution, denoising, style), as a PNG. */
export const imageToImage: WholeTask<z.infer<typeof input>, Uint8Array> = {
  name: 'image-to-image',
  rawBody: 'bytes',
  input,
  outputMediaType: 'image/png',
  async run({ inputs, parameters }, model, infer) {
    const imageModel = readImageModel(model);
    const image = await prepareImage(inputs, model);
    const made = withoutGround(readPicture(await infer({ inputs: image.tensors }), imageModel, model), image);
    const picture = imageModel.processor.luminance ? await inColour(made, inputs, imageModel) : made;
    const { target_size: size = picture } = parameters;
    return toFileOutput(await encodePng(resize(picture, size, resampleFilters.bicubic)));
  },
};

/** Levels of the output [1, channels, height, width] or [1, height, width, channels]. */
function readPicture(response: InferResponse, { processor }: ImageModel, model: Model): Picture {
  const output = findOutput(response, ['reconstruction', response.outputs[0]?.name ?? ''], model);
  const [one, ...sides] = output?.shape ?? [];
  const first = isChannels(sides[0]) || !isChannels(sides[2]);
  const [channels, height = 0, width = 0] = first ? sides : [sides[2], sides[0], sides[1]];
  if (
    !output ||
    one !== 1 ||
    sides.length !== 3 ||
    !isChannels(channels) ||
    width * height < 1 ||
    width * height > maxPixels
  ) {
    return failAnswer(model, `has ${listOutputs(response)}; one picture [1, 3 or 1, height, width] is needed`);
  }
  const size = width * height;
  // The array rounds as NumPy does and clamps to 0..255.
  const data = new Uint8ClampedArray(size * channels);
  const isLevels = response.outputs.some(({ name, datatype }) => name === output.name && datatype === 'UINT8');
  for (let channel = 0; channel < channels; channel++) {
    const level = processor.levels[channel] ?? processor.levels[0]!;
    const [black, white] = isLevels ? [0, 255] : (readRange(model) ?? [level.values[0]!, level.values[255]!]);
    const scale = 255 / (white - black);
    const target = channels === processor.channels ? level.source : channel;
    for (let i = 0; i < size; i++) {
      const value = output.data[first ? channel * size + i : i * channels + channel]!;
      data[i * channels + target] = (value - black) * scale;
    }
  }
  return { width, height, channels, data };
}

function isChannels(size: number | undefined): size is 1 | 3 {
  return size === 1 || size === 3;
}

function readRange({ manifest }: Model) {
  const parsed = rangeSchema.safeParse(manifest.preprocessing?.output_range);
  if (parsed.success) return parsed.data;
  const needed = 'the two numbers that stand for black and white';
  throw new ServiceError('model_failed', `preprocessing.output_range of model ${manifest.name} is not ${needed}`);
}

/** The part of the output that shows the picture, without what was added around it for the model. */
function withoutGround(made: Picture, { canvas, layout: { size, box } }: PreparedImage): Picture {
  const across = made.width / canvas.width;
  const down = made.height / canvas.height;
  const left = Math.max(0, -box.left);
  const top = Math.max(0, -box.top);
  const part: Box = {
    left: Math.round(left * across),
    top: Math.round(top * down),
    width: Math.round(Math.min(size.width, box.width - left) * across),
    height: Math.round(Math.min(size.height, box.height - top) * down),
  };
  return crop(made, part);
}

/** A network that makes luminance alone: colours come from the picture itself, enlarged as Pillow's bicubic filter does. */
async function inColour(luminance: Picture, inputs: ImageInput, { processor }: ImageModel): Promise<Picture> {
  // A client that sends luminance has kept the colours.
  if (!(inputs instanceof Uint8Array)) return luminance;
  const { picture } = await readImage(inputs, { ...processor, channels: 3, luminance: false });
  const { cb, cr } = toChrominance(picture);
  const [blue, red] = [cb, cr].map((plane) => resize(plane, luminance, resampleFilters.bicubic));
  return fromYcbcr(luminance, blue!, red!);
}
