import { ServiceError } from '../errors.ts';
import type { InferResponse } from '../inference/protocol.ts';
import { numbersOf } from '../inference/tensor.ts';
import type { Model } from '../registry/model-manifest.ts';

/** An output as numbers, row-major. */
export interface NumericOutput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** The first output of `names` that there is; undefined: none. 64-bit integers become numbers. Throws model_failed for BYTES. */
export function findOutput(response: InferResponse, names: readonly string[], model: Model): NumericOutput | undefined {
  const tensor = names
    .map((wanted) => response.outputs.find(({ name }) => name === wanted))
    .find((output) => output !== undefined);
  if (!tensor) return undefined;
  const { name, shape, datatype } = tensor;
  if (datatype === 'BYTES') return failAnswer(model, `has ${name} as BYTES; numbers are needed`);
  const numbers = numbersOf({ ...tensor, datatype });
  const data = typeof numbers[0] === 'bigint' ? Float64Array.from(numbers as BigInt64Array, Number) : numbers;
  return { name, shape, data: data as ArrayLike<number> };
}

/** The answer of a model is not what its package declares. */
export function failAnswer(model: Model, reason: string): never {
  throw new ServiceError('model_failed', `the answer of model ${model.manifest.name} ${reason}`);
}

/** `logits [1,100,92], pred_boxes [1,100,4]`. */
export function listOutputs({ outputs }: InferResponse): string {
  return outputs.map(({ name, shape }) => `${name} [${shape}]`).join(', ') || 'no outputs';
}
