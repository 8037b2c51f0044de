import { type TarEntry, tarGzip } from '../archives/tar.ts';
import { ServiceError } from '../errors.ts';
import type { Datatype, TensorMetadata } from '../inference/protocol.ts';
import type { ModelVersion } from './model-manifest.ts';

/** The graph, and the files of weights that it names relative to its own folder. */
interface GraphFiles {
  readonly graph: Uint8Array;
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** The one folder at the archive's root; SageMaker's Triton takes `[0-9A-Za-z._]+`, so it is not the model's name. */
const rootFolder = 'model';

/**
 * The archive that a SageMaker multi-model endpoint loads: a Triton model repository with one model in one version.
 * Equal input gives equal bytes. Throws invalid_request where Triton's ONNX backend cannot serve such a graph.
 */
export function tritonArchive(version: ModelVersion, files: GraphFiles): Uint8Array {
  const folder = `${rootFolder}/1/`;
  const entries: TarEntry[] = [
    { path: `${rootFolder}/` },
    { path: `${rootFolder}/config.pbtxt`, data: Buffer.from(tritonConfig(version)) },
    { path: folder },
    { path: `${folder}model.onnx`, data: files.graph },
  ];
  for (const { path, data } of files.externalData) {
    if (path === 'model.onnx') {
      throw new ServiceError(
        'invalid_request',
        'external data cannot be named model.onnx: that is the graph in Triton',
      );
    }
    entries.push({ path: folder + path, data });
  }
  return tarGzip(entries);
}

/**
 * `config.pbtxt` in protobuf's text format. It has no `name`: Triton in SageMaker mode names a model after its whole
 * TargetModel. Inputs and outputs are the graph's own, since the backend compares them with it when it loads.
 * No `optimization`: by default the backend applies all of ONNX Runtime's, and TensorRT would compile for minutes when a
 * model is loaded, while InvokeEndpoint waits 60 seconds.
 * Source: triton-inference-server/common protobuf/model_config.proto; onnxruntime_backend src/onnxruntime.cc, Validate*.
 */
export function tritonConfig({ manifest, inputs, outputs }: ModelVersion): string {
  const batch = manifest.maxBatchSize;
  return [
    'backend: "onnxruntime"',
    `max_batch_size: ${batch}`,
    ...inputs.map((tensor) => tensorConfig('input', tensor, batch)),
    ...outputs.map((tensor) => tensorConfig('output', tensor, batch)),
    'instance_group [ { kind: KIND_GPU count: 1 } ]',
    ...(batch > 0 ? ['dynamic_batching { }'] : []),
    '',
  ].join('\n');
}

function tensorConfig(field: 'input' | 'output', tensor: TensorMetadata, maxBatchSize: number): string {
  const type = `data_type: ${dataType(field, tensor)}`;
  return `${field} [ { name: ${quote(tensor.name)} ${type} ${dims(field, tensor, maxBatchSize)} } ]`;
}

function dataType(field: string, { name, datatype }: TensorMetadata): string {
  const unsupported: Datatype = 'BF16';
  if (datatype === unsupported) {
    throw new ServiceError(
      'invalid_request',
      `${field} ${name} is BF16, which Triton's ONNX backend lacks: export FP16`,
    );
  }
  return datatype === 'BYTES' ? 'TYPE_STRING' : `TYPE_${datatype}`;
}

/** Without the batch dimension. Triton wants at least one dimension: a vector of the batch is `[1]` reshaped to `[]`. */
function dims(field: string, { name, shape }: TensorMetadata, maxBatchSize: number): string {
  const refuse = (reason: string) => {
    throw new ServiceError('invalid_request', `${field} ${name} has shape [${shape.join(', ')}]: ${reason}`);
  };
  if (shape.includes(0)) refuse('Triton serves no dimension of size 0; set host to lambda');
  if (maxBatchSize === 0) return `dims: [ ${shape.length === 0 ? 1 : shape.join(', ')} ]`;
  if (shape[0] !== -1)
    refuse(`maxBatchSize ${maxBatchSize} needs a variable first dimension (-1); set maxBatchSize to 0`);
  return shape.length === 1 ? 'dims: [ 1 ] reshape { shape: [ ] }' : `dims: [ ${shape.slice(1).join(', ')} ]`;
}

/**
 * A tensor's shape as Triton's clients write it, from the graph's: Triton knows no scalars (they are `[1]`), and a batch
 * of scalars is `[n, 1]`. The data are the same.
 */
export function toTritonShape(
  declared: TensorMetadata,
  shape: readonly number[],
  maxBatchSize: number,
): readonly number[] {
  if (declared.shape.length === 0) return shape.length === 0 ? [1] : shape;
  return maxBatchSize > 0 && declared.shape.length === 1 && shape.length === 1 ? [...shape, 1] : shape;
}

/** The reverse of toTritonShape. */
export function fromTritonShape(
  declared: TensorMetadata,
  shape: readonly number[],
  maxBatchSize: number,
): readonly number[] {
  if (declared.shape.length === 0) return shape.every((size) => size === 1) ? [] : shape;
  return maxBatchSize > 0 && declared.shape.length === 1 && shape.length === 2 ? shape.slice(0, 1) : shape;
}

/** A string of protobuf's text format; what is not printable ASCII becomes octal bytes. */
function quote(text: string): string {
  const bytes = [...Buffer.from(text)].map((byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    return byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte);
  });
  return `"${bytes.join('')}"`;
}
