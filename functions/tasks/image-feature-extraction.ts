import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { InferResponse } from '../inference/protocol.ts';
import type { Model } from '../registry/model-manifest.ts';
import { imageInput, preprocessImage } from './image-input.ts';
import { failAnswer, findOutput, listOutputs, type NumericOutput } from './numeric-output.ts';
import type { Task } from './task.ts';

const input = z.strictObject({
  inputs: imageInput,
  parameters: z
    .strictObject({
      pool: z
        .boolean('true or false is needed')
        .default(false)
        .describe('One vector for the picture; false: the first output as it is.'),
      normalize: z.boolean('true or false is needed').default(false).describe('Vectors of length 1.'),
    })
    .prefault({}),
});

const poolingSchema = z.enum(['cls', 'mean']).optional();

type Numbers = readonly (number | Numbers)[];

/** A picture → its features: nested lists in the shape of the model's output, `[1, dimensions]` where pooled. */
export const imageFeatureExtraction: Task<z.infer<typeof input>, Numbers> = {
  name: 'image-feature-extraction',
  rawBody: 'bytes',
  input,
  async preprocess({ inputs }, model) {
    return { inputs: [await preprocessImage(inputs, model)] };
  },
  postprocess(response, { parameters }, model) {
    const { shape, data } = parameters.pool ? readPooled(response, model) : readFirst(response, model);
    const values = parameters.normalize ? unitVectors(data, shape.at(-1) ?? 1) : data;
    return nest(values, shape);
  },
};

function readFirst(response: InferResponse, model: Model): NumericOutput {
  const names = ['last_hidden_state', response.outputs[0]?.name ?? ''];
  return findOutput(response, names, model) ?? failAnswer(model, 'has no outputs');
}

/** The model's own pooled output; else as `pooling` in model.json's preprocessing says, of [1, places, dimensions]. */
function readPooled(response: InferResponse, model: Model): NumericOutput {
  const own = findOutput(response, ['pooler_output', 'image_embeds'], model);
  if (own) return own;
  const first = readFirst(response, model);
  if (first.shape.length === 2) return first;
  const pooling = poolingSchema.safeParse(model.manifest.preprocessing?.pooling);
  if (!pooling.success) return failAnswer(model, "cannot be pooled: preprocessing.pooling must be 'cls' or 'mean'");
  const [one, places = 0, dimensions = 0] = first.shape;
  if (pooling.data === undefined || first.shape.length !== 3 || one !== 1 || places === 0) {
    throw new ServiceError(
      'invalid_request',
      `parameters.pool: the model has no pooled output, but ${listOutputs(response)}`,
    );
  }
  const from = pooling.data === 'cls' ? 1 : places;
  const data = Float32Array.from({ length: dimensions }, (_, dimension) => {
    let sum = 0;
    for (let place = 0; place < from; place++) sum += first.data[place * dimensions + dimension]!;
    return sum / from;
  });
  return { name: first.name, shape: [1, dimensions], data };
}

function unitVectors(data: ArrayLike<number>, dimensions: number): Float32Array {
  const vectors = Float32Array.from(data);
  for (let start = 0; start < vectors.length; start += dimensions) {
    const vector = vectors.subarray(start, start + dimensions);
    const length = Math.hypot(...vector) || 1;
    vector.forEach((value, index) => {
      vector[index] = value / length;
    });
  }
  return vectors;
}

function nest(data: ArrayLike<number>, shape: readonly number[], start = 0): Numbers {
  const [length = 1, ...inner] = shape;
  const step = inner.reduce((product, size) => product * size, 1);
  return Array.from({ length }, (_, index) =>
    inner.length === 0 ? data[start + index]! : nest(data, inner, start + index * step),
  );
}
