import type { EncodedText, EncodedTexts } from '../media/tokenizer.ts';
import type { Model } from '../registry/model-manifest.ts';
import { failAnswer, findOutput, listOutputs, type NumericOutput } from './numeric-output.ts';
import type { Infer } from './task.ts';
import { textBatches } from './text-input.ts';

/** What the model answered for one row of tokens. */
export interface TextRow {
  readonly row: EncodedText;
  /** One for each of `wanted`, with the shape and numbers of this row alone. */
  readonly outputs: readonly NumericOutput[];
}

/**
 * Runs the model for all rows, many at once. `wanted`: for each output its names; where the graph uses other names, its
 * first, second, … output is taken. Throws model_failed where an output has no part for each row.
 */
export async function inferTexts(
  encoded: EncodedTexts,
  model: Model,
  infer: Infer,
  wanted: readonly (readonly string[])[],
): Promise<TextRow[]> {
  const found: TextRow[] = [];
  for (const { rows, request } of textBatches(encoded, model)) {
    const response = await infer(request);
    const outputs = wanted.map((names, index) => {
      const fallback = response.outputs[index]?.name;
      const output = findOutput(response, fallback === undefined ? names : [...names, fallback], model);
      if (output && output.shape.length >= 2 && output.shape[0] === rows.length) return output;
      return failAnswer(model, `has ${listOutputs(response)}; ${names[0]} [${rows.length}, …] is needed`);
    });
    rows.forEach((row, index) => {
      found.push({ row, outputs: outputs.map((output) => partOf(output, index)) });
    });
  }
  return found;
}

function partOf({ name, shape, data }: NumericOutput, index: number): NumericOutput {
  const size = data.length / (shape[0] ?? 1);
  const numbers = data as Float32Array;
  return { name, shape: shape.slice(1), data: numbers.subarray(index * size, (index + 1) * size) };
}

/** The numbers of each token: an output [tokens, width] in rows. Throws model_failed for another shape. */
export function perToken({ name, shape, data }: NumericOutput, { ids }: EncodedText, model: Model): number[][] {
  const [length = 0, width = 0] = shape;
  if (shape.length !== 2 || length !== ids.length || width === 0) {
    return failAnswer(model, `has ${name} [rows,${shape}]; [rows,${ids.length},width] is needed`);
  }
  return Array.from({ length }, (_, at) => Array.from({ length: width }, (_, i) => data[at * width + i]!));
}
