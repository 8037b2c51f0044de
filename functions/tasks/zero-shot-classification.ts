import * as z from 'zod';
import type { Model } from '../registry/model-manifest.ts';
import type { ClassificationScore } from './classification.ts';
import { readLabelNames } from './labels.ts';
import { failAnswer } from './numeric-output.ts';
import { softmax } from './softmax.ts';
import type { WholeTask } from './task.ts';
import { encodeTexts } from './text-input.ts';
import { inferTexts } from './text-rows.ts';

const mostLabels = 100;
const labelsForm = `a list of 1 to ${mostLabels} labels is needed, or one text with commas between them`;
const label = z.string(labelsForm).trim().min(1, labelsForm);
const parametersSchema = z.strictObject({
  candidate_labels: z
    .union([z.string().transform((text) => text.split(',')), z.array(z.string())], labelsForm)
    .pipe(z.array(label, labelsForm).min(1, labelsForm).max(mostLabels, labelsForm))
    .describe('The labels to choose from: a list, or one text with commas between them.'),
  hypothesis_template: z
    .string()
    .includes('{}', 'a sentence with {} for the label is needed')
    .default('This example is {}.')
    .describe('The sentence that a label is put into, at `{}`.'),
  multi_label: z
    .boolean('true or false is needed')
    .default(false)
    .describe('Each label is judged by itself, and several may be true.'),
});
const input = z.strictObject({ inputs: z.string('a text is needed'), parameters: parametersSchema });

/**
 * A text and labels that no model was trained on → `[{ label, score }]`, best first, by a model that tells whether a
 * sentence follows from a text. Source: transformers' ZeroShotClassificationPipeline.
 */
export const zeroShotClassification: WholeTask<z.infer<typeof input>, ClassificationScore[]> = {
  name: 'zero-shot-classification',
  rawBody: 'text',
  input,
  async run({ inputs, parameters }, model, infer) {
    const { candidate_labels: labels, hypothesis_template: template, multi_label } = parameters;
    const pairs = labels.map((one) => [inputs, template.replaceAll('{}', () => one)] as const);
    const rows = await inferTexts(encodeTexts(pairs, model, { truncation: 'only_first' }), model, infer, [['logits']]);
    const logits = rows.map(({ outputs }) => Array.from(outputs[0]!.data));
    const scores = scoreLabels(logits, multi_label || labels.length === 1, model);
    return labels.map((one, at) => ({ label: one, score: scores[at]! })).sort((a, b) => b.score - a.score);
  },
};

function scoreLabels(logits: readonly (readonly number[])[], apart: boolean, model: Model): number[] {
  const classes = logits[0]!.length;
  if (classes < 2)
    return failAnswer(model, 'has one score for a pair; those for contradiction and entailment are needed');
  const entailment = readEntailment(model, classes);
  if (!apart) return softmax(logits.map((row) => row[entailment]!));
  const contradiction = entailment === 0 ? classes - 1 : 0;
  return logits.map((row) => softmax([row[contradiction]!, row[entailment]!])[1]!);
}

/** The class whose name begins with `entail`; without one the last. */
function readEntailment(model: Model, classes: number): number {
  const found = readLabelNames(model)?.findIndex((name) => name.toLowerCase().startsWith('entail')) ?? -1;
  return found >= 0 && found < classes ? found : classes - 1;
}
