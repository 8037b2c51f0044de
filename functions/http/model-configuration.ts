import { isDeepStrictEqual } from 'node:util';
import { ServiceError } from '../errors.ts';
import type { Datatype, TensorMetadata } from '../inference/protocol.ts';
import { isRecord } from '../inference/read-fields.ts';
import { show } from '../inference/scan-json.ts';
import { parseJson } from '../parse-json.ts';
import type { Model } from '../registry/model-manifest.ts';
import { findImageModel } from '../tasks/image-input.ts';

/**
 * A model's configuration as Triton gives it, in the JSON form of its ModelConfig message. Where requests are batched,
 * `dims` leave out dimension 0. `format` of an input says where its channels are, if the model's task is one of pictures.
 * Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_model_configuration.md
 */
export function renderModelConfiguration(model: Model): Record<string, unknown> {
  const { name, version, maxBatchSize, model: graph } = model.manifest;
  const pictures = findImageModel(model);
  const formatOf = (input: TensorMetadata) => {
    if (input.name !== pictures?.input.name) return 'FORMAT_NONE';
    return pictures.order === 'channels_first' ? 'FORMAT_NCHW' : 'FORMAT_NHWC';
  };
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
    input: model.inputs.map((input) => ({ ...render(input), format: formatOf(input) })),
    output: model.outputs.map(render),
    default_model_filename: graph,
    ...(maxBatchSize > 0 ? { dynamic_batching: {} } : {}),
  };
}

function dataType(datatype: Datatype): string {
  return datatype === 'BYTES' ? 'TYPE_STRING' : `TYPE_${datatype}`;
}

/**
 * Throws invalid_request unless `config`, a configuration in JSON that a client loads a model with, asks for what holds
 * already: a version never changes. Numbers may be strings, as in protobuf's JSON.
 */
export function checkConfigurationOverride(config: unknown, model: Model): void {
  const current = renderModelConfiguration(model);
  for (const [name, value] of Object.entries(parseOverride(config))) {
    const holds = Object.hasOwn(current, name) ? current[name] : undefined;
    if (isDeepStrictEqual(value, holds) || (typeof holds === 'number' && value === String(holds))) continue;
    const message = `config.${name.slice(0, 40)} is ${show(value)}, and ${show(holds)} in version ${model.manifest.version}, which never changes; push another one`;
    throw new ServiceError('invalid_request', message);
  }
}

function parseOverride(config: unknown): Record<string, unknown> {
  try {
    const parsed = parseJson(Buffer.from(String(config)), 'config');
    if (isRecord(parsed)) return parsed;
  } catch {
    // Said below.
  }
  throw new ServiceError('invalid_request', `config is ${show(config)}; a configuration in JSON is allowed`);
}
