import * as z from 'zod';
import { ServiceError } from '../errors.ts';

const side = z.int().min(1).max(16_384);
const sides = z.object({ height: side, width: side });
const sizeSchema = z.union([
  side,
  sides,
  z.object({ shortest_edge: side, longest_edge: side.nullish() }),
  z.object({ longest_edge: side }),
]);
const perChannel = z.union([z.number().transform((value) => [value]), z.array(z.number()).min(1).max(4)]);

/** The fields of preprocessor_config.json that change pixels. Others (there are many in public files) are passed over. */
const configSchema = z.object({
  image_processor_type: z.string().nullish(),
  feature_extractor_type: z.string().nullish(),
  do_resize: z.boolean().nullish(),
  size: sizeSchema.nullish(),
  /** The longest edge beside a `size` that is a bare number, in files of older detectors. */
  max_size: side.nullish(),
  /** Height and width become multiples of it. */
  size_divisor: side.nullish(),
  keep_aspect_ratio: z.boolean().nullish(),
  ensure_multiple_of: side.nullish(),
  resample: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4), z.literal(5)]).nullish(),
  crop_pct: z.number().positive().nullish(),
  do_center_crop: z.boolean().nullish(),
  crop_size: z.union([side, sides]).nullish(),
  do_rescale: z.boolean().nullish(),
  rescale_factor: z.number().nullish(),
  rescale_offset: z.boolean().nullish(),
  /** ViViT's word for the same. */
  offset: z.boolean().nullish(),
  do_normalize: z.boolean().nullish(),
  image_mean: perChannel.nullish(),
  image_std: perChannel.nullish(),
  include_top: z.boolean().nullish(),
  do_grayscale: z.boolean().nullish(),
  do_flip_channel_order: z.boolean().nullish(),
  do_pad: z.boolean().nullish(),
  /** A number: the picture is mirrored at its right and bottom edge up to the next multiple, as Swin2SR has it. */
  pad_size: z.union([side, sides]).nullish(),

  // From here on words of Lambent's own.
  /** The picture keeps its shape within `size`, on a ground of `pad_value`: what YOLO's networks are trained behind. */
  do_letterbox: z.boolean().nullish(),
  pad_value: z.int().min(0).max(255).default(114),
  pad_position: z.enum(['center', 'top_left']).default('center'),
  /** The model sees Y of YCbCr, as Pillow converts; super-resolution keeps the colours apart. */
  do_luminance: z.boolean().nullish(),
  /** Turns the picture as its EXIF orientation says. */
  do_exif_transpose: z.boolean().nullish(),
  /** sharp resizes while it decodes: several times faster, and a level off here and there. */
  fast: z.boolean().nullish(),
});

export type ImageProcessorConfig = z.infer<typeof configSchema>;

/** Steps that are ours, or that change nothing for one picture. */
const knownSteps = new Set([
  ...Object.keys(configSchema.shape),
  ...['do_convert_rgb', 'do_reduce_labels', 'do_convert_annotations'],
]);

/** Processors that crop or resize in another order or by other rules than the fields say. */
const otherKinds =
  /^(?:Perceiver|Donut|Nougat|Owlv2|Tvp|ZoeDepth|Pix2Struct|Kosmos2|Fuyu|Idefics\d?|LlavaNext|VitMatte|ImageGPT)$/;

/** Reads the fields, and the processor's kind (`CLIP` of `CLIPImageProcessorFast`; empty where the file names none). */
export function parseImageProcessorConfig(config: unknown): { data: ImageProcessorConfig; kind: string } {
  const parsed = configSchema.safeParse(config);
  if (!parsed.success) return refuseConfig(z.prettifyError(parsed.error).replaceAll('\n', ' '));
  const { data } = parsed;
  const kind = (data.image_processor_type ?? data.feature_extractor_type ?? '').replace(
    /(?:ImageProcessor(?:Fast)?|FeatureExtractor)$/,
    '',
  );
  const unknownStep = Object.entries(config as object).find(
    ([key, value]) => key.startsWith('do_') && value === true && !knownSteps.has(key),
  );
  if (unknownStep) return refuseConfig(`it asks for ${unknownStep[0]}, which Lambent does not do`);
  if (otherKinds.test(kind)) return refuseConfig(`the rules of ${kind}ImageProcessor are not known to Lambent`);
  return { data, kind };
}

export function refuseConfig(reason: string): never {
  throw new ServiceError('model_failed', `the model's preprocessor_config.json cannot be followed: ${reason}`);
}
