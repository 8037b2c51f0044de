import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { resampleFilters } from './resample-weights.ts';

/** What a config.json of timm says of its preprocessing; timm names it `pretrained_cfg`. */
const pretrainedSchema = z.looseObject({
  input_size: z.tuple([z.literal(3), z.int().min(1), z.int().min(1)]),
  interpolation: z.string().default('bilinear'),
  crop_pct: z.number().positive().nullish(),
  crop_mode: z.enum(['center', 'squash'], "only 'center' and 'squash' are known").default('center'),
  mean: z.array(z.number()).length(3),
  std: z.array(z.number()).length(3),
});

/**
 * The words of preprocessor_config.json for a model of timm, whose packages have none; undefined: no model of timm.
 * Throws model_failed. Source: timm, data/transforms_factory.py, `transforms_imagenet_eval`.
 */
export function fromTimmConfig(config: unknown): Record<string, unknown> | undefined {
  const given = (config as { pretrained_cfg?: unknown } | undefined)?.pretrained_cfg;
  if (given === undefined) return undefined;
  const parsed = pretrainedSchema.safeParse(given);
  if (!parsed.success) {
    const reason = z.prettifyError(parsed.error).replaceAll('\n', ' ');
    throw new ServiceError('model_failed', `pretrained_cfg in the model's config.json cannot be followed: ${reason}`);
  }
  const { input_size, crop_pct, crop_mode, mean, std } = parsed.data;
  const [, height, width] = input_size;
  const enlarged = (edge: number) => Math.floor(edge / (crop_pct ?? 0.875));
  const square = height === width && crop_mode === 'center';
  const size = square ? { shortest_edge: enlarged(height) } : { height: enlarged(height), width: enlarged(width) };
  if (!square && crop_mode === 'center') {
    throw new ServiceError('model_failed', `pretrained_cfg in the model's config.json has a size that is no square`);
  }
  return {
    image_processor_type: 'TimmWrapperImageProcessor',
    size,
    crop_size: { height, width },
    resample: resampleFilters[parsed.data.interpolation as keyof typeof resampleFilters] ?? resampleFilters.bilinear,
    image_mean: mean,
    image_std: std,
  };
}
