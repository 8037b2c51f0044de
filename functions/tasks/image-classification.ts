import * as z from 'zod';
import { type ClassificationScore, classificationParameters, readScores } from './classification.ts';
import { imageInput, preprocessImage } from './image-input.ts';
import type { Task } from './task.ts';

const input = z.strictObject({ inputs: imageInput, parameters: classificationParameters.prefault({}) });

/** A picture → labels with scores, best first: `[{ label, score }]`. */
export const imageClassification: Task<z.infer<typeof input>, ClassificationScore[]> = {
  name: 'image-classification',
  rawBody: 'bytes',
  input,
  async preprocess({ inputs }, model) {
    return { inputs: [await preprocessImage(inputs, model)] };
  },
  postprocess(response, { parameters }, model) {
    return readScores(response, 1, parameters, model)[0]!;
  },
};
