import { ServiceError } from '../errors.ts';
import type { InferRequest, Parameters, Tensor, TensorMetadata } from './protocol.ts';
import { show } from './scan-json.ts';

interface Declaration {
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** Throws invalid_request where `request` is not what the model declares, saying what was given and what is allowed. */
export function checkInferRequest(request: InferRequest, model: Declaration): void {
  for (const input of request.inputs) checkInput(input, model.inputs);
  for (const { name } of model.inputs) {
    if (!request.inputs.some((input) => input.name === name)) {
      throw new ServiceError(
        'invalid_request',
        `the input "${name}" is missing; the model takes ${list(model.inputs)}`,
      );
    }
  }
  checkParameter(request.parameters, 'sequence_id', isNoSequence, statelessRule, 'the request');
  checkParameter(request.parameters, 'binary_data_output', isBoolean, 'true or false', 'the request');
  for (const { name, parameters } of request.outputs ?? []) {
    if (!model.outputs.some((output) => output.name === name)) {
      throw new ServiceError(
        'invalid_request',
        `the output ${show(name)} is unknown; the model has ${list(model.outputs)}`,
      );
    }
    checkParameter(parameters, 'binary_data', isBoolean, 'true or false', `the output "${name}"`);
    checkParameter(parameters, 'classification', isCount, 'a whole number from 1', `the output "${name}"`);
  }
}

function checkInput(input: Tensor, declared: readonly TensorMetadata[]): void {
  const { name, datatype, shape } = input;
  const model = declared.find((candidate) => candidate.name === name);
  if (!model) {
    throw new ServiceError('invalid_request', `the input ${show(name)} is unknown; the model takes ${list(declared)}`);
  }
  if (datatype !== model.datatype) {
    throw new ServiceError('invalid_request', `the input "${name}" takes ${model.datatype}, given ${datatype}`);
  }
  // ONNX Runtime shows a shape that the graph leaves open as [], the shape of a scalar: nothing to compare with.
  if (model.shape.length === 0) return;
  const fits = (size: number, dimension: number) => size === -1 || size === shape[dimension];
  if (shape.length !== model.shape.length || !model.shape.every(fits)) {
    const any = model.shape.includes(-1) ? ', where -1 is any size' : '';
    throw new ServiceError(
      'invalid_request',
      `the input "${name}" takes the shape [${model.shape}]${any}, given [${shape}]`,
    );
  }
}

function checkParameter(
  parameters: Parameters | undefined,
  key: string,
  isAllowed: (value: unknown) => boolean,
  allowed: string,
  owner: string,
): void {
  const value = parameters?.[key];
  if (value === undefined || isAllowed(value)) return;
  throw new ServiceError(
    'invalid_request',
    `the parameter ${key} of ${owner} is ${show(value)}; allowed is ${allowed}`,
  );
}

const isBoolean = (value: unknown) => typeof value === 'boolean';
/** The two values by which Triton's clients say "no sequence". */
const isNoSequence = (value: unknown) => value === 0 || value === '';
const statelessRule = '0: models keep nothing from one request to the next, so send all that the model needs in each';
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;

function list(tensors: readonly TensorMetadata[]): string {
  return tensors.map(({ name, datatype, shape }) => `"${name}" (${datatype} [${shape}])`).join(', ') || 'none';
}
