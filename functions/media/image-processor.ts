import { ServiceError } from '../errors.ts';
import { createLayout, type Layout, paddedMultiple } from './image-layout.ts';
import { type ImageProcessorConfig, parseImageProcessorConfig, refuseConfig } from './image-processor-config.ts';
import { type Box, maxPixels, type Picture, toGrey } from './picture.ts';
import { type Resample, resampleFilters } from './resample-weights.ts';
import { crop, resize, type Size } from './resize.ts';
import { resizeAsOpenCv } from './resize-opencv.ts';
import { toLuminance } from './ycbcr.ts';

const bicubicKinds = /^(?:CLIP|ChineseCLIP|Bit|Beit|DeiT|Levit|PoolFormer|Flava)$/;

/** How one model's pictures are made ready; read once from its preprocessor_config.json. */
export interface ImageProcessor {
  readonly channels: 1 | 3;
  /** Pillow's filter; or OpenCV's linear one. */
  readonly resample: Resample | 'opencv';
  layOut(picture: Size): Layout;
  /** What lies around a picture that is smaller than its layout's box: a level, or the picture itself, mirrored. */
  readonly ground: number | 'mirrored';
  /** Zeros are added on the right and at the bottom, after normalisation. */
  readonly padTo?: Size;
  /** For each channel of the model's input: the channel it is read from and the number that each of the 256 levels becomes. */
  readonly levels: readonly { readonly source: number; readonly values: Float32Array }[];
  readonly luminance: boolean;
  readonly exifTranspose: boolean;
  readonly fast: boolean;
}

/**
 * Reads preprocessor_config.json, or the same words in model.json. Throws model_failed where it asks for what is not done
 * here: a guess would cost accuracy in silence. `inputSize` is used where the file names no size.
 * Source of the rules: Hugging Face transformers, models/<kind>/image_processing_<kind>.py.
 */
export function parseImageProcessor(config: unknown, inputSize?: Size): ImageProcessor {
  const { data, kind } = parseImageProcessorConfig(config);
  const channels = data.do_grayscale || data.do_luminance ? 1 : 3;
  const mirrored = paddedMultiple(data, kind) !== undefined;
  return {
    channels,
    // YOLO's networks are trained behind OpenCV.
    resample: data.resample ?? (data.do_letterbox ? 'opencv' : defaultResample(kind)),
    layOut: createLayout(data, kind, inputSize),
    ground: mirrored ? 'mirrored' : data.do_letterbox ? data.pad_value : 0,
    ...(data.do_pad && data.pad_size && typeof data.pad_size === 'object' ? { padTo: data.pad_size } : {}),
    levels: createLevels(data, kind, channels),
    luminance: Boolean(data.do_luminance),
    exifTranspose: Boolean(data.do_exif_transpose),
    fast: Boolean(data.fast),
  };
}

/**
 * Grey, resized and cropped as the model wants it; levels are still 0 to 255. `original`: the size that the layout is made
 * for, where `picture` has been resized for it already. Throws invalid_request.
 */
export function processImage(picture: Picture, processor: ImageProcessor, original: Size = picture): Picture {
  const { size, box } = processor.layOut(original);
  const left = Math.max(0, box.left);
  const top = Math.max(0, box.top);
  const visible = {
    left,
    top,
    width: Math.min(size.width, box.left + box.width) - left,
    height: Math.min(size.height, box.top + box.height) - top,
  };
  if (size.width < 1 || size.height < 1 || visible.width * visible.height > maxPixels) {
    throw new ServiceError(
      'invalid_request',
      `the picture of ${original.width}×${original.height} pixels is too narrow: for the model it becomes ${size.width}×${size.height}`,
    );
  }
  const source = processor.channels === 1 && !processor.luminance ? toGrey(picture) : picture;
  const inColour =
    processor.resample === 'opencv'
      ? crop(resizeAsOpenCv(source, size), visible)
      : resize(source, size, processor.resample, visible);
  const resized = processor.luminance ? toLuminance(inColour) : inColour;
  if (box.width === visible.width && box.height === visible.height) return resized;
  return processor.ground === 'mirrored' ? mirror(resized, box) : frame(resized, box, processor.ground);
}

/** A ground around a picture that is smaller than `box`, whose top left corner is relative to the picture's. */
function frame(picture: Picture, box: Box, ground: number): Picture {
  const { channels } = picture;
  const data = new Uint8ClampedArray(box.width * box.height * channels).fill(ground);
  const left = Math.max(0, -box.left);
  const top = Math.max(0, -box.top);
  const stride = picture.width * channels;
  for (let y = 0; y < picture.height; y++) {
    const row = picture.data.subarray(y * stride, (y + 1) * stride);
    data.set(row, ((top + y) * box.width + left) * channels);
  }
  return { width: box.width, height: box.height, channels, data };
}

/** NumPy's pad in mode `symmetric`, on the right and at the bottom. */
function mirror(picture: Picture, box: Box): Picture {
  const { channels, width, height } = picture;
  const data = new Uint8ClampedArray(box.width * box.height * channels);
  const source = (position: number, length: number) => {
    const folded = position % (2 * length);
    return folded < length ? folded : 2 * length - 1 - folded;
  };
  for (let y = 0, to = 0; y < box.height; y++) {
    const row = source(y, height) * width;
    for (let x = 0; x < box.width; x++) {
      const from = (row + source(x, width)) * channels;
      for (let c = 0; c < channels; c++) data[to++] = picture.data[from + c]!;
    }
  }
  return { width: box.width, height: box.height, channels, data };
}

function defaultResample(kind: string): Resample {
  if (kind === 'EfficientNet') return resampleFilters.nearest;
  return bicubicKinds.test(kind) ? resampleFilters.bicubic : resampleFilters.bilinear;
}

/** The numbers that NumPy computes in single precision, step by step: a table of 256 is exact and as fast as `a*x+b`. */
function createLevels(config: ImageProcessorConfig, kind: string, channels: 1 | 3): ImageProcessor['levels'] {
  const { image_mean: mean, image_std: deviation } = config;
  // MobileViT's files may name a mean that its processor does not use.
  const normalize = config.do_normalize ?? (kind !== 'MobileViT' && Boolean(mean));
  if (normalize && !(mean && deviation)) return refuseConfig('it has do_normalize and no image_mean or image_std');
  for (const [name, list] of Object.entries({ image_mean: mean, image_std: deviation })) {
    if (normalize && list && list.length !== 1 && list.length !== channels) {
      return refuseConfig(
        `${name} has ${list.length} numbers for ${channels === 1 ? 'one channel' : `${channels} channels`}`,
      );
    }
  }
  const offset = config.rescale_offset ?? (kind === 'Vivit' && config.offset);
  return Array.from({ length: channels }, (_, channel) => {
    const values = new Float32Array(256);
    const channelMean = Math.fround((mean?.length === 1 ? mean[0] : mean?.[channel]) ?? 0);
    const channelDeviation = Math.fround((deviation?.length === 1 ? deviation[0] : deviation?.[channel]) ?? 1);
    for (let level = 0; level < 256; level++) {
      let value = config.do_rescale === false ? level : Math.fround(level * (config.rescale_factor ?? 1 / 255));
      if (config.do_rescale !== false && offset) value = Math.fround(value - 1);
      if (normalize) value = Math.fround(Math.fround(value - channelMean) / channelDeviation);
      // EfficientNet's original preprocessing divides a second time.
      if (kind === 'EfficientNet' && config.include_top !== false) value = Math.fround(value / channelDeviation);
      values[level] = value;
    }
    return { source: config.do_flip_channel_order ? channels - 1 - channel : channel, values };
  });
}
