import { ServiceError } from '../errors.ts';
import { datatypeSizes, type Tensor, type TensorMetadata } from '../inference/protocol.ts';
import { createTensor } from '../inference/tensor.ts';

/** How a graph that predicts the next token takes its tokens, and what it hands from step to step. */
export interface Decoder {
  readonly inputs: readonly TensorMetadata[];
  readonly logits: string;
  /** Output → the input of the next step. Empty: each step reads the whole sequence. */
  readonly carry: Readonly<Record<string, string>>;
  /** Tokens that one run takes; -1: any number. */
  readonly stepLength: number;
}

/**
 * Reads a decoder as Hugging Face's optimum exports it: `input_ids`, `attention_mask`, `position_ids`, `use_cache_branch`
 * and `past_key_values.*` in, `logits` and `present.*` out. A recurrent network has `past_<state>` and `present_<state>`.
 * Throws invalid_request where the graph is none.
 */
export function readDecoder(inputs: readonly TensorMetadata[], outputs: readonly TensorMetadata[]): Decoder {
  const ids = inputs.find(({ name }) => name === 'input_ids');
  const logits = outputs.find(({ name }) => name === 'logits') ?? (outputs.length === 1 ? outputs[0] : undefined);
  if (ids?.shape.length !== 2 || !logits) {
    throw new ServiceError(
      'invalid_request',
      'the model generates no text: a graph with the input input_ids and the output logits does',
    );
  }
  const carry = Object.fromEntries(inputs.filter(isState).map(({ name }) => [nextName(name), name]));
  for (const [output, input] of Object.entries(carry)) {
    if (outputs.some(({ name }) => name === output)) continue;
    throw new ServiceError('model_failed', `the graph takes '${input}' and has no output '${output}', its next value`);
  }
  return { inputs, logits: logits.name, carry, stepLength: ids.shape[1]! };
}

function isState({ name }: TensorMetadata): boolean {
  return name.startsWith('past');
}

function nextName(input: string): string {
  return input.startsWith('past_key_values.')
    ? input.replace('past_key_values.', 'present.')
    : input.replace('past', 'present');
}

/**
 * The inputs of one step: `ids` behind `past` tokens. With `past` 0 the states are among them, as zeros: a cache of no
 * tokens, a recurrent state of one sequence. Throws model_failed where the graph wants what a decoder has not.
 */
export function stepInputs({ inputs, carry }: Decoder, ids: readonly number[], past: number): Tensor[] {
  const kept = new Set(past === 0 ? [] : Object.values(carry));
  return inputs.filter(({ name }) => !kept.has(name)).map((input) => stepInput(input, ids, past));
}

function stepInput(input: TensorMetadata, ids: readonly number[], past: number): Tensor {
  if (isState(input)) return zeroState(input);
  switch (input.name) {
    case 'input_ids':
      return integers(input, ids);
    case 'attention_mask':
      return integers(input, new Array<number>(past + ids.length).fill(1));
    case 'position_ids':
      return integers(
        input,
        ids.map((_, index) => past + index),
      );
    case 'use_cache_branch':
      return createTensor(input.name, 'BOOL', [1], Uint8Array.of(past > 0 ? 1 : 0));
    default:
      throw new ServiceError('model_failed', `the graph has the input '${input.name}', which no decoder is given`);
  }
}

function zeroState(input: TensorMetadata): Tensor {
  const { name, datatype } = input;
  const cache = name.startsWith('past_key_values.');
  const shape = input.shape.map((size, index) => (size >= 0 ? size : cache && index > 0 ? 0 : 1));
  const elements = shape.reduce((product, size) => product * size, 1);
  return { name, datatype, shape, data: new Uint8Array(elements * datatypeSizes[datatype]) };
}

function integers({ name, datatype }: TensorMetadata, values: readonly number[]): Tensor {
  const shape = [1, values.length];
  if (datatype === 'INT64') return createTensor(name, 'INT64', shape, BigInt64Array.from(values, BigInt));
  if (datatype === 'INT32') return createTensor(name, 'INT32', shape, Int32Array.from(values));
  throw new ServiceError('model_failed', `the graph takes ${name} as ${datatype}; INT64 or INT32 is needed`);
}
