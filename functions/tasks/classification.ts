import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { InferResponse } from '../inference/protocol.ts';
import { numbersOf } from '../inference/tensor.ts';
import type { Model } from '../registry/model-manifest.ts';
import { readLabelNames } from './labels.ts';
import { softmax } from './softmax.ts';

/** Parameters of Hugging Face's classification tasks. */
export const classificationParameters = z.strictObject({
  top_k: z
    .int('a whole number from 1 is needed')
    .min(1, 'a whole number from 1 is needed')
    .default(5)
    .describe('How many labels are answered, best first.'),
  function_to_apply: z
    .enum(['softmax', 'sigmoid', 'none'], "one of 'softmax', 'sigmoid', 'none' is needed")
    .optional()
    .describe("What turns the model's outputs into scores; without it the model's config.json decides."),
});

export type ClassificationParameters = z.infer<typeof classificationParameters>;

export interface ClassificationScore {
  readonly label: string;
  readonly score: number;
}

const configSchema = z.looseObject({
  problem_type: z.string().nullish(),
  function_to_apply: classificationParameters.shape.function_to_apply.nullish(),
});

/**
 * Labels with scores, best first, for each of `rows` inputs: from the output `logits`, or the first one, of shape
 * [rows, labels] (dimensions of 1 after these are passed over). Throws model_failed where there is no such output.
 */
export function readScores(
  response: InferResponse,
  rows: number,
  parameters: ClassificationParameters,
  model: Model,
): ClassificationScore[][] {
  const logits = readLogits(response, rows, model);
  const labels = readLabels(model, logits.length / rows);
  const activate = activations[parameters.function_to_apply ?? defaultFunction(model, labels.length)];
  return Array.from({ length: rows }, (_, row) => {
    const scores = activate(logits.slice(row * labels.length, (row + 1) * labels.length));
    if (scores.some(Number.isNaN)) return fail(model, 'has scores that are not numbers (NaN)');
    return labels
      .map((label, index) => ({ label, score: scores[index]! }))
      .sort((a, b) => b.score - a.score)
      .slice(0, parameters.top_k);
  });
}

function readLogits(response: InferResponse, rows: number, model: Model): number[] {
  const tensor = response.outputs.find(({ name }) => name === 'logits') ?? response.outputs[0];
  if (!tensor) return fail(model, 'has no outputs');
  const { name, datatype, shape } = tensor;
  if (datatype === 'BYTES') return fail(model, `has ${name} as BYTES, which are no scores`);
  const wide = shape.slice(1).filter((dimension) => dimension !== 1);
  if (shape[0] !== rows || shape.length < 2 || wide.length > 1 || wide[0] === 0) {
    return fail(model, `has ${name} [${shape}]; [${rows}, labels] is needed`);
  }
  return Array.from(numbersOf({ ...tensor, datatype }), Number);
}

function readConfig(model: Model): z.infer<typeof configSchema> {
  const parsed = configSchema.safeParse(model.assets['config.json'] ?? {});
  return parsed.success
    ? parsed.data
    : fail(model, `has a config.json that cannot be read: ${z.prettifyError(parsed.error)}`);
}

/** `labels` of model.json, or `id2label` of config.json; without both LABEL_0, LABEL_1, … as transformers names them. */
function readLabels(model: Model, count: number): readonly string[] {
  const given = readLabelNames(model);
  if (!given) return Array.from({ length: count }, (_, index) => `LABEL_${index}`);
  return given.length === count ? given : fail(model, `has ${count} scores for ${given.length} labels`);
}

/** The rule of transformers' text and image classification pipelines. */
function defaultFunction(model: Model, labels: number): keyof typeof activations {
  const { problem_type: problem, function_to_apply: configured } = readConfig(model);
  if (configured) return configured;
  if (problem === 'regression') return 'none';
  return problem === 'multi_label_classification' || labels === 1 ? 'sigmoid' : 'softmax';
}

const activations = {
  softmax,
  sigmoid: (logits: number[]) => logits.map((logit) => 1 / (1 + Math.exp(-logit))),
  none: (logits: number[]) => logits,
};

function fail(model: Model, reason: string): never {
  throw new ServiceError('model_failed', `the answer of model ${model.manifest.name} ${reason}`);
}
