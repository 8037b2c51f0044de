import type { InferResponse, TensorMetadata } from '../../../functions/inference/protocol.ts';
import { createTensor } from '../../../functions/inference/tensor.ts';
import { type Model, modelManifestSchema } from '../../../functions/registry/model-manifest.ts';

/** A registered model with these files and tensors; nothing of it is read but what is given. */
export function testModel(
  assets: Record<string, unknown>,
  inputs: readonly TensorMetadata[],
  manifest: Record<string, unknown> = {},
): Model {
  return {
    manifest: modelManifestSchema.parse({ name: 'm', version: '1', files: {}, ...manifest }),
    inputs: inputs.map((input) => ({ ...input, shape: [...input.shape] })),
    outputs: [],
    assets,
  } as Model;
}

/** The answer of a model with one output. */
export function answer(shape: readonly number[], values: readonly number[], name = 'logits'): InferResponse {
  const outputs = [createTensor(name, 'FP32', shape, Float32Array.from(values))];
  return { model_name: 'm', model_version: '1', outputs };
}
