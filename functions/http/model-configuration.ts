import type { Datatype, TensorMetadata } from '../inference/protocol.ts';
import type { ModelVersion } from '../registry/model-manifest.ts';

/**
 * A model's configuration as Triton gives it, in the JSON form of its ModelConfig message. Where requests are batched,
 * `dims` leave out dimension 0.
 * Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_model_configuration.md
 */
export function renderModelConfiguration({ manifest, inputs, outputs }: ModelVersion): object {
  const { name, version, maxBatchSize, model } = manifest;
  const render = (tensor: TensorMetadata) => ({
    name: tensor.name,
    data_type: dataType(tensor.datatype),
    dims: maxBatchSize > 0 ? tensor.shape.slice(1) : tensor.shape,
  });
  return {
    name,
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    version_policy: { specific: { versions: [version] } },
    max_batch_size: maxBatchSize,
    input: inputs.map(render),
    output: outputs.map(render),
    default_model_filename: model,
    ...(maxBatchSize > 0 ? { dynamic_batching: {} } : {}),
  };
}

function dataType(datatype: Datatype): string {
  return datatype === 'BYTES' ? 'TYPE_STRING' : `TYPE_${datatype}`;
}
