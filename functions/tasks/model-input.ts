import { ServiceError } from '../errors.ts';
import type { Tensor, TensorMetadata } from '../inference/protocol.ts';
import type { Model } from '../registry/model-manifest.ts';

/** The one input of the model's graph, but for one named `besides`. Throws model_failed where there are more. */
export function onlyInput(model: Model, besides?: string): TensorMetadata {
  const [input, ...others] = model.inputs.filter(({ name }) => name !== besides);
  if (input && others.length === 0) return input;
  const names = model.inputs.map(({ name }) => name).join(', ') || 'none';
  throw new ServiceError('model_failed', `${model.manifest.task} fills one input; the graph has: ${names}`);
}

/** `tensor`, if the graph can take it; else model_failed: the package's preprocessing is not the one of its graph. */
export function checkShape(tensor: Tensor, input: TensorMetadata, model: Model): Tensor {
  const fits =
    tensor.shape.length === input.shape.length &&
    tensor.shape.every((dimension, index) => input.shape[index] === -1 || input.shape[index] === dimension);
  if (fits) return tensor;
  throw new ServiceError(
    'model_failed',
    `preprocessing of model ${model.manifest.name} makes ${input.name} [${tensor.shape}]; its graph takes [${input.shape}]`,
  );
}
