import * as z from 'zod';
import { type ClassificationScore, classificationParameters, readScores } from './classification.ts';
import type { Task } from './task.ts';
import { encodeTexts, preprocessTexts, textBatches } from './text-input.ts';

const maxTexts = 128;
const form = `a text or a list of 1 to ${maxTexts} texts is needed`;
const input = z.strictObject({
  inputs: z.union([z.string(form), z.array(z.string(form), form).min(1, form).max(maxTexts, form)]),
  parameters: classificationParameters.prefault({}),
});

/**
 * A text, or a list of them → for each, labels with scores, best first: `[[{ label, score }]]`. One text is answered in
 * two brackets as well: Hugging Face's clients insist on it.
 */
export const textClassification: Task<z.infer<typeof input>, ClassificationScore[][]> = {
  name: 'text-classification',
  rawBody: 'text',
  input,
  async preprocess({ inputs }, model) {
    return { inputs: preprocessTexts([inputs].flat(), model) };
  },
  postprocess(response, { inputs, parameters }, model) {
    return readScores(response, [inputs].flat().length, parameters, model);
  },
  async run({ inputs, parameters }, model, infer) {
    const found: ClassificationScore[][] = [];
    for (const { rows, request } of textBatches(encodeTexts([inputs].flat(), model), model)) {
      found.push(...readScores(await infer(request), rows.length, parameters, model));
    }
    return found;
  },
};
