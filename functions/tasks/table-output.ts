import type { InferResponse } from '../inference/protocol.ts';
import type { Model } from '../registry/model-manifest.ts';
import { failAnswer, findOutput, listOutputs } from './numeric-output.ts';

export interface TableOutput {
  readonly name: string;
  /** The numbers of each row. */
  readonly rows: readonly (readonly number[])[];
}

/** The first output of `names`, else the first one of floating-point numbers, row by row. Throws model_failed. */
export function readTableOutput(
  response: InferResponse,
  rows: number,
  names: readonly string[],
  model: Model,
): TableOutput {
  const floating = response.outputs.find(({ datatype }) => datatype.startsWith('FP'));
  const output = findOutput(response, [...names, ...(floating ? [floating.name] : [])], model);
  const width = output ? output.data.length / rows : 0;
  if (!output || output.shape[0] !== rows || width < 1) {
    return failAnswer(model, `has ${listOutputs(response)}; numbers for each of ${rows} rows are needed`);
  }
  const { name, data } = output;
  const values = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: width }, (_, i) => data[row * width + i]!),
  );
  if (values.some((row) => row.some(Number.isNaN))) return failAnswer(model, 'has numbers that are none (NaN)');
  return { name, rows: values };
}
