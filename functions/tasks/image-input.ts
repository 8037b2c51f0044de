import { createHash } from 'node:crypto';
import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Datatype, Tensor, TensorMetadata } from '../inference/protocol.ts';
import { createElements, createTensor, type NumericDatatype, numberToHalf } from '../inference/tensor.ts';
import type { PublishedPreprocessing } from '../media/client-pixels.ts';
import { type ImageProcessor, parseImageProcessor } from '../media/image-processor.ts';
import { type ChannelOrder, normalize } from '../media/normalize.ts';
import type { Picture } from '../media/picture.ts';
import { readImage, type SeenImage } from '../media/read-image.ts';
import type { Size } from '../media/resize.ts';
import { fromTimmConfig } from '../media/timm-config.ts';
import type { Model } from '../registry/model-manifest.ts';
import { fileInput } from './file-input.ts';
import { checkShape, onlyInput } from './model-input.ts';
import { pixelsInput, readPixels } from './pixels-input.ts';
import type { TaskName } from './task-names.ts';

/** A picture's file, or what a client has made of one by the model's published preprocessing. */
export const imageInput = z.union([fileInput('a picture'), pixelsInput]);

export type ImageInput = z.infer<typeof imageInput>;

type PixelDatatype = 'FP32' | 'FP64' | 'FP16' | 'UINT8';

const encoders: Record<PixelDatatype, (value: number) => number> = {
  FP32: (value) => value,
  FP64: (value) => value,
  FP16: numberToHalf,
  UINT8: (value) => value,
};

/** Counts changes of the rules by which a config is read, so that pixels of an older client are known as such. */
const rulesRevision = 2;

/** How one model takes pictures. */
export interface ImageModel {
  readonly input: TensorMetadata;
  readonly datatype: PixelDatatype & NumericDatatype;
  readonly order: ChannelOrder;
  readonly processor: ImageProcessor;
  /** What a client needs to prepare pictures itself. */
  readonly published: PublishedPreprocessing;
}

const imageModels = new WeakMap<Model, ImageModel>();

/** A picture as it goes to the model, and where that lies in the picture. */
export interface PreparedImage extends SeenImage {
  readonly tensors: readonly Tensor[];
  /** The size of the tensor's picture, with all that was added around it. */
  readonly canvas: Size;
}

/** A picture → the tensor that the model's only input takes, as prepareImage makes it. */
export async function preprocessImage(inputs: ImageInput, model: Model): Promise<Tensor> {
  return (await prepareImage(inputs, model)).tensors[0]!;
}

/**
 * A picture → the tensor [1, channels, height, width] that the model's only input takes, or [1, height, width, channels]
 * where the graph is declared so, and `pixel_mask` where the graph has one. Throws what decodeImage throws, and
 * model_failed where the package is wrong.
 */
export async function prepareImage(inputs: ImageInput, model: Model): Promise<PreparedImage> {
  const imageModel = readImageModel(model);
  const { processor, input, datatype, order } = imageModel;
  const seen =
    inputs instanceof Uint8Array ? await readImage(inputs, processor) : readPixels(inputs, processor, imageModel);
  const canvas = processor.padTo ?? seen.picture;
  const elements = createElements(datatype, canvas.width * canvas.height * processor.channels);
  fillPixels(seen.picture, canvas, imageModel, elements);
  const sides = [canvas.height, canvas.width];
  const shape = order === 'channels_first' ? [1, processor.channels, ...sides] : [1, ...sides, processor.channels];
  // A graph without a batch dimension takes one picture as it is.
  const tensor = createTensor(input.name, datatype, input.shape.length === 3 ? shape.slice(1) : shape, elements);
  const tensors = [checkShape(tensor, input, model), ...pixelMask(seen.picture, canvas, model)];
  return { ...seen, tensors, canvas: { width: canvas.width, height: canvas.height } };
}

/** Writes the numbers of one picture into `elements`. Throws invalid_request where it is larger than the canvas. */
export function fillPixels(
  picture: Picture,
  canvas: Size,
  { processor, order, datatype }: ImageModel,
  elements: ReturnType<typeof createElements<PixelDatatype>>,
): void {
  if (canvas.width < picture.width || canvas.height < picture.height) {
    throw new ServiceError(
      'invalid_request',
      `the picture becomes ${picture.width}×${picture.height}, the model takes at most ${canvas.width}×${canvas.height}`,
    );
  }
  normalize(picture, processor, order, canvas, elements, encoders[datatype]);
}

/** 1 where the picture is and 0 where zeros were added: the second input of DETR and its kind. */
function pixelMask(picture: Size, canvas: Size, model: Model): Tensor[] {
  const input = model.inputs.find(({ name }) => name === maskName);
  if (!input) return [];
  if (input.datatype === 'BYTES') throw new ServiceError('model_failed', `the graph takes ${maskName} as BYTES`);
  const mask = createElements(input.datatype as 'INT64', canvas.width * canvas.height);
  const one = (typeof mask[0] === 'bigint' ? 1n : 1) as 1n;
  for (let y = 0; y < picture.height; y++) mask.fill(one, y * canvas.width, y * canvas.width + picture.width);
  const shape = [1, canvas.height, canvas.width];
  return [checkShape(createTensor(input.name, input.datatype as 'INT64', shape, mask), input, model)];
}

const maskName = 'pixel_mask';

/** Reads how the model takes pictures, once. Throws model_failed. */
export function readImageModel(model: Model): ImageModel {
  const known = imageModels.get(model);
  if (known) return known;
  const input = onlyInput(model, maskName);
  const config = readConfig(model);
  const channels = config.do_grayscale === true || config.do_luminance === true ? 1 : 3;
  const inputSize = declaredSize(input.shape, channels);
  const processor = parseImageProcessor(config, inputSize);
  const rules = { config, ...(inputSize && { input_size: inputSize }) };
  const sha256 = createHash('sha256')
    .update(JSON.stringify([rulesRevision, rules]))
    .digest('hex');
  const imageModel = {
    input,
    datatype: pixelDatatype(input.datatype, processor),
    order: channelOrder(input.shape, channels),
    processor,
    published: { sha256, ...rules },
  };
  imageModels.set(model, imageModel);
  return imageModel;
}

function readConfig({ assets, manifest }: Model): Record<string, unknown> {
  const file = assets['preprocessor_config.json'];
  const timm = file === undefined ? fromTimmConfig(assets['config.json']) : undefined;
  if (file === undefined && timm === undefined && manifest.preprocessing === undefined) {
    throw new ServiceError(
      'model_failed',
      `model ${manifest.name} has neither preprocessor_config.json nor preprocessing in its model.json`,
    );
  }
  return { ...timm, ...manifest.preprocessing, ...(file as object) };
}

const imageTasks: ReadonlySet<string | undefined> = new Set<TaskName>([
  'image-classification',
  'object-detection',
  'image-segmentation',
  'image-to-image',
  'image-feature-extraction',
]);

/** How the model takes pictures; undefined: it takes none. Throws model_failed. */
export function findImageModel(model: Model): ImageModel | undefined {
  return imageTasks.has(model.manifest.task) ? readImageModel(model) : undefined;
}

/** Height and width where the graph fixes them. */
function declaredSize(shape: readonly number[], channels: 1 | 3): Size | undefined {
  const image = shape.slice(-3);
  const [height, width] = channelOrder(shape, channels) === 'channels_last' ? image : image.slice(1);
  return height !== undefined && width !== undefined && height > 0 && width > 0 ? { height, width } : undefined;
}

/** Channels are last only where the graph can be read in no other way. */
function channelOrder(shape: readonly number[], channels: 1 | 3): ChannelOrder {
  const [first, , last] = shape.slice(-3);
  return last === channels && first !== channels ? 'channels_last' : 'channels_first';
}

function pixelDatatype(datatype: Datatype, processor: ImageProcessor): PixelDatatype & NumericDatatype {
  if (datatype === 'UINT8' && processor.levels.some(({ values }) => values.some((value, level) => value !== level))) {
    throw new ServiceError(
      'model_failed',
      'the graph takes UINT8 pixels, so do_rescale and do_normalize must be false in preprocessor_config.json',
    );
  }
  if (datatype in encoders) return datatype as PixelDatatype;
  const allowed = Object.keys(encoders).join(', ');
  throw new ServiceError('model_failed', `the graph takes pixels as ${datatype}; ${allowed} can be made of a picture`);
}
