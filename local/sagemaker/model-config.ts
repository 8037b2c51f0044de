import type { TensorMetadata } from '../../functions/inference/protocol.ts';
import { parseTextProto, type TextProto } from './text-proto.ts';

export interface TensorConfig {
  readonly name: string;
  /** `TYPE_FP32` … as model_config.proto has it. */
  readonly dataType: string;
  /** As clients see it, without the batch dimension. */
  readonly dims: readonly number[];
  /** As the graph has it, without the batch dimension. */
  readonly reshape: readonly number[];
}

export interface ModelConfig {
  readonly maxBatchSize: number;
  readonly inputs: readonly TensorConfig[];
  readonly outputs: readonly TensorConfig[];
}

/**
 * Reads a config.pbtxt by the rules that Triton applies when it loads a model. Throws an Error that says what is wrong.
 * Source: triton-inference-server/core src/model_config_utils.cc, ValidateModelConfig and ValidateIOShape.
 */
export function readModelConfig(text: string): ModelConfig {
  const config = parseTextProto(text);
  if (config.backend?.[0] !== 'onnxruntime' && config.platform?.[0] !== 'onnxruntime_onnx') {
    throw new Error('config.pbtxt must have backend: "onnxruntime" or platform: "onnxruntime_onnx"');
  }
  const maxBatchSize = Number(config.max_batch_size?.[0] ?? 0);
  if (!Number.isInteger(maxBatchSize) || maxBatchSize < 0) throw new Error('max_batch_size must be an integer from 0');
  if (maxBatchSize === 0 && config.dynamic_batching) throw new Error('dynamic_batching needs max_batch_size > 0');
  const read = (field: 'input' | 'output') =>
    (config[field] ?? []).map((tensor) => readTensor(field, tensor as TextProto, maxBatchSize));
  return { maxBatchSize, inputs: read('input'), outputs: read('output') };
}

function readTensor(field: string, tensor: TextProto, maxBatchSize: number): TensorConfig {
  const name = tensor.name?.[0];
  if (typeof name !== 'string' || name === '') throw new Error(`model ${field} must specify 'name'`);
  const dims = readDims(tensor.dims);
  if (dims.length === 0) throw new Error(`model ${field} '${name}' must specify 'dims'`);
  const reshaped = tensor.reshape?.[0] as TextProto | undefined;
  if (reshaped && maxBatchSize === 0 && !reshaped.shape?.length) {
    throw new Error(`model ${field} '${name}' cannot have empty reshape for non-batching model`);
  }
  const reshape = reshaped ? readDims(reshaped.shape) : dims;
  return { name, dataType: String(tensor.data_type?.[0] ?? 'TYPE_INVALID'), dims, reshape };
}

function readDims(values: TextProto[string] = []): number[] {
  const dims = values.map(Number);
  const wrong = dims.find((dim) => !Number.isInteger(dim) || (dim < 1 && dim !== -1));
  if (wrong === undefined) return dims;
  throw new Error(`a dimension must be an integer >= 1, or -1 for any size, not ${wrong}`);
}

/**
 * Compares the configuration with the graph, as Triton's ONNX backend does when it loads a model.
 * Source: triton-inference-server/onnxruntime_backend src/onnxruntime.cc, ValidateInputs and ValidateOutputs.
 */
export function checkAgainstGraph(
  config: ModelConfig,
  graph: { inputs: readonly TensorMetadata[]; outputs: readonly TensorMetadata[] },
): void {
  if (config.inputs.length !== graph.inputs.length) {
    throw new Error(`configuration expects ${config.inputs.length} inputs, model provides ${graph.inputs.length}`);
  }
  for (const input of config.inputs) checkTensor(input, graph.inputs, { ...config, exact: false });
  for (const output of config.outputs) checkTensor(output, graph.outputs, { ...config, exact: true });
}

function checkTensor(
  { name, dataType, reshape }: TensorConfig,
  graph: readonly TensorMetadata[],
  { maxBatchSize, exact }: { maxBatchSize: number; exact: boolean },
): void {
  const tensor = graph.find((candidate) => candidate.name === name);
  if (!tensor)
    throw new Error(`unexpected tensor '${name}', the model has ${graph.map((each) => each.name).join(', ')}`);
  const type = `TYPE_${tensor.datatype === 'BYTES' ? 'STRING' : tensor.datatype}`;
  if (dataType !== type)
    throw new Error(`configuration expects datatype ${dataType} for '${name}', model provides ${type}`);
  if (tensor.shape.length === 0) {
    if (reshape.every((dim) => dim === 1)) return;
    throw new Error(`scalar tensor '${name}' should only provide 1 in the model configuration`);
  }
  if (maxBatchSize > 0 && tensor.shape[0] !== -1) {
    throw new Error(`tensor '${name}': to support batching the first dimension must be -1, not ${tensor.shape[0]}`);
  }
  const full = maxBatchSize > 0 ? [-1, ...reshape] : reshape;
  const equal = (size: number, at: number) => size === full[at] || (size === -1 && !exact);
  if (full.length === tensor.shape.length && tensor.shape.every(equal)) return;
  throw new Error(`tensor '${name}': the model expects shape [${tensor.shape}], the configuration specifies [${full}]`);
}
