import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Model } from '../registry/model-manifest.ts';

const configSchema = z.looseObject({
  id2label: z.record(z.string(), z.string()).optional(),
  /** timm's word. */
  label_names: z.array(z.string()).optional(),
});

/** `labels` of model.json, or those of config.json; undefined: neither has any. Throws model_failed. */
export function readLabelNames(model: Model): readonly string[] | undefined {
  const parsed = configSchema.safeParse(model.assets['config.json'] ?? {});
  if (!parsed.success) {
    const reason = z.prettifyError(parsed.error);
    throw new ServiceError(
      'model_failed',
      `model ${model.manifest.name} has a config.json that cannot be read: ${reason}`,
    );
  }
  const { id2label, label_names } = parsed.data;
  const given = id2label && Object.keys(id2label).map((_, index) => id2label[index] ?? nameOf(index));
  return model.manifest.labels ?? given ?? label_names;
}

/** The name of each class; those without one are LABEL_0, LABEL_1, … as transformers names them. */
export function labelReader(model: Model): (index: number) => string {
  const names = readLabelNames(model);
  return (index) => names?.[index] ?? nameOf(index);
}

function nameOf(index: number): string {
  return `LABEL_${index}`;
}
