import { ServiceError } from '../errors.ts';
import { datatypeSizes, type InferRequest, type Tensor, type TensorMetadata } from '../inference/protocol.ts';
import type { SessionMetadata } from './worker-messages.ts';

/** Compares a request with what the graph declares. Throws model_rejected_input. */
export function checkRequest({ inputs, outputs = [] }: InferRequest, metadata: SessionMetadata): void {
  const given = new Map(inputs.map((input) => [input.name, input]));
  if (given.size !== inputs.length) reject(`an input is given twice: ${list(inputs)}`);
  for (const name of given.keys()) {
    if (!metadata.inputs.some((declared) => declared.name === name)) {
      reject(`input '${name}' is unknown; the model takes ${list(metadata.inputs)}`);
    }
  }
  for (const declared of metadata.inputs) {
    const input = given.get(declared.name);
    if (!input) reject(`input '${declared.name}' is missing; the model takes ${list(metadata.inputs)}`);
    checkInput(input, declared);
  }
  for (const { name } of outputs) {
    if (!metadata.outputs.some((declared) => declared.name === name)) {
      reject(`output '${name}' is unknown; the model gives ${list(metadata.outputs)}`);
    }
  }
}

function checkInput({ name, datatype, shape, data }: Tensor, declared: TensorMetadata): void {
  if (datatype !== declared.datatype) {
    reject(`input '${name}' is ${datatype}; the model takes ${declared.datatype}`);
  }
  // A shape of no dimensions is a scalar's, or the graph does not say: then ONNX Runtime decides.
  const fits =
    declared.shape.length === 0 ||
    (shape.length === declared.shape.length &&
      shape.every((size, index) => declared.shape[index] === -1 || declared.shape[index] === size));
  if (!fits) reject(`input '${name}' has shape [${shape}]; the model takes [${declared.shape}] (-1: any size)`);
  const bytes = shape.reduce((product, size) => product * size, datatypeSizes[datatype]);
  if (datatype !== 'BYTES' && bytes !== data.byteLength) {
    reject(`input '${name}' of shape [${shape}] needs ${bytes} bytes; ${data.byteLength} are given`);
  }
}

function reject(message: string): never {
  throw new ServiceError('model_rejected_input', message);
}

function list(tensors: readonly { name: string }[]): string {
  return tensors.length === 0 ? 'none' : tensors.map(({ name }) => `'${name}'`).join(', ');
}
