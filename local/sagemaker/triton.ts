import { ServiceError } from '../../functions/errors.ts';
import type { ModelHost, ModelSource } from '../../functions/host/model-host.ts';
import { decodeInferRequest } from '../../functions/inference/binary-tensor.ts';
import { parseInferRequest } from '../../functions/inference/parse-infer.ts';
import type { InferRequest, Tensor, TensorMetadata } from '../../functions/inference/protocol.ts';
import { renderInferResponse } from '../../functions/inference/render-infer-response.ts';
import { fromTritonShape, toTritonShape } from '../../functions/registry/triton-package.ts';
import { checkAgainstGraph, type ModelConfig, readModelConfig, type TensorConfig } from './model-config.ts';
import { untarGzip } from './untar.ts';

/** What Triton's container answers with; SageMaker wraps it. */
export class TritonError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'TritonError';
    this.status = status;
  }
}

interface LoadedModel {
  readonly source: ModelSource;
  readonly config: ModelConfig;
  readonly graph: { inputs: readonly TensorMetadata[]; outputs: readonly TensorMetadata[] };
}

export interface TritonAnswer {
  readonly contentType: string;
  readonly body: Buffer;
}

const binaryType = 'application/vnd.sagemaker-triton.binary+json;json-header-size=';

/**
 * Triton Inference Server in SageMaker's multi-model mode, with the ONNX backend. `fetchArchive` reads an archive by its
 * TargetModel. Source of its habits: triton-inference-server/server src/sagemaker_server.cc.
 */
export function createTriton(
  host: ModelHost,
  cacheBytes: number,
  fetchArchive: (targetModel: string) => Promise<Uint8Array>,
) {
  const models = new Map<string, Promise<LoadedModel>>();

  /** An archive's name stands for its bytes for ever: it is fetched again only when the model had to leave memory. */
  const load = (targetModel: string): Promise<LoadedModel> => {
    const known = models.get(targetModel);
    if (known) return known;
    const loading = loadModel(host, cacheBytes, targetModel, () => fetchArchive(targetModel));
    models.set(targetModel, loading);
    loading.catch(() => models.delete(targetModel));
    return loading;
  };

  const infer = async (model: LoadedModel, targetModel: string, message: TritonAnswer, deadline: number) => {
    const request = refuse(() => readRequest(message));
    refuse(() => checkRequest(request, model.config, targetModel));
    const { maxBatchSize } = model.config;
    const inputs = request.inputs.map((tensor) => reshape(tensor, model.graph.inputs, fromTritonShape, maxBatchSize));
    const { outputs } = await host.infer(model.source, { ...request, inputs }, deadline);
    const shaped = outputs.map((tensor) => reshape(tensor, model.graph.outputs, toTritonShape, maxBatchSize));
    const response = { model_name: targetModel, model_version: '1', outputs: shaped };
    const { headerLength, body } = refuse(() => renderInferResponse(request, response));
    const contentType = headerLength === undefined ? 'application/json' : `${binaryType}${headerLength}`;
    return { contentType, body: Buffer.from(body) };
  };
  return { load, infer };
}

async function loadModel(
  host: ModelHost,
  cacheBytes: number,
  id: string,
  fetchArchive: () => Promise<Uint8Array>,
): Promise<LoadedModel> {
  const opened = await fetchArchive().then(openArchive);
  const bytes = [...opened.values()].reduce((sum, data) => sum + data.length, 0);
  if (bytes > cacheBytes)
    throw new TritonError(507, `out of memory: the model has ${bytes} bytes, room is ${cacheBytes}`);
  const config = refuse(() => readModelConfig(readFile(opened, 'config.pbtxt').toString()));
  let first: typeof opened | undefined = opened;
  const source: ModelSource = {
    id,
    bytes,
    maxBatchSize: config.maxBatchSize,
    async load() {
      const files: typeof opened = first ?? (await fetchArchive().then(openArchive));
      first = undefined;
      const data = [...files].filter(([path]) => path.startsWith('1/') && path !== '1/model.onnx');
      const externalData = data.map(([path, bytes]) => ({ path: path.slice(2), data: bytes }));
      return { graph: readFile(files, '1/model.onnx'), externalData };
    },
  };
  const graph = await host.describe(source, Date.now() + 360_000);
  refuse(() => checkAgainstGraph(config, graph));
  return { source, config, graph };
}

/** Files by their path inside the repository of the model, which is the root or the one folder at the root. */
function openArchive(archive: Uint8Array): Map<string, Uint8Array> {
  const files = refuse(() => untarGzip(archive));
  if (files.has('config.pbtxt')) return files;
  const folders = new Set([...files.keys()].map((path) => path.slice(0, path.indexOf('/') + 1)));
  const [folder = ''] = folders;
  if (folders.size !== 1 || !/^[0-9A-Za-z._]+\/$/.test(folder)) {
    throw new TritonError(400, 'the archive needs config.pbtxt at its root or in one folder named [0-9A-Za-z._]+');
  }
  return new Map([...files].map(([path, data]) => [path.slice(folder.length), data]));
}

function readFile(files: Map<string, Uint8Array>, path: string): Buffer {
  const data = files.get(path);
  if (!data) throw new TritonError(400, `the model repository has no ${path}`);
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** The type must begin exactly so; with any other the whole body is JSON. Size 0 means that there is no JSON at all. */
function readRequest({ contentType, body }: TritonAnswer): InferRequest {
  const at = contentType.indexOf(binaryType);
  if (at > 0) throw new Error(`expect MIME type for binary data starts with '${binaryType}', got: ${contentType}`);
  if (at < 0) return parseInferRequest(body, body.subarray(body.length));
  const digits = contentType.slice(binaryType.length);
  const size = Number.parseInt(digits, 10) || 0;
  if (size < 0 || size > body.length) {
    throw new Error(`inference header size should be in range (0, ${body.length}), got: ${digits}`);
  }
  if (size === 0) throw new Error('a raw body without a JSON header is not supported by this stand-in');
  return decodeInferRequest(body, size);
}

function checkRequest(request: InferRequest, config: ModelConfig, model: string): void {
  for (const { name } of request.inputs) {
    if (!config.inputs.some((input) => input.name === name)) {
      throw new Error(`unexpected inference input '${name}' for model '${model}'`);
    }
  }
  for (const declared of config.inputs) {
    const input = request.inputs.find(({ name }) => name === declared.name);
    if (!input) {
      const [expected, given] = [config.inputs.length, request.inputs.length];
      throw new Error(`expected ${expected} inputs but got ${given} inputs for model '${model}'`);
    }
    checkInput(input, declared, config.maxBatchSize, model);
  }
  for (const { name } of request.outputs ?? []) {
    if (config.outputs.some((output) => output.name === name)) continue;
    throw new Error(`unexpected inference output '${name}' for model '${model}'`);
  }
}

function checkInput(
  { name, datatype, shape }: Tensor,
  declared: TensorConfig,
  maxBatchSize: number,
  model: string,
): void {
  const type = `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`;
  if (type !== declared.dataType) {
    throw new Error(
      `inference input '${name}' data-type is '${datatype}', but model '${model}' expects '${declared.dataType}'`,
    );
  }
  const expected = maxBatchSize > 0 ? [-1, ...declared.dims] : declared.dims;
  const fits =
    shape.length === expected.length && shape.every((size, at) => expected[at] === -1 || expected[at] === size);
  if (!fits)
    throw new Error(
      `unexpected shape for input '${name}' for model '${model}'. Expected [${expected}], got [${shape}]`,
    );
  if (maxBatchSize > 0 && Number(shape[0]) > maxBatchSize) {
    throw new Error(`inference request batch-size must be <= ${maxBatchSize} for '${model}'`);
  }
}

function reshape(
  tensor: Tensor,
  graph: readonly TensorMetadata[],
  convert: typeof toTritonShape,
  maxBatchSize: number,
) {
  const declared = graph.find(({ name }) => name === tensor.name);
  return declared ? { ...tensor, shape: convert(declared, tensor.shape, maxBatchSize) } : tensor;
}

/** What is wrong with a request or an archive Triton answers with 400, whatever it is. */
function refuse<Result>(act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    throw error instanceof TritonError ? error : new TritonError(400, (error as Error).message);
  }
}

/** What the model host threw, as Triton says it; undefined: it is about time or room, and SageMaker's to answer. */
export function toTritonError(error: unknown): TritonError | undefined {
  if (error instanceof TritonError) return error;
  if (!(error instanceof ServiceError) || error.code === 'deadline_exceeded' || error.retryable) return undefined;
  return new TritonError(400, error.message);
}
