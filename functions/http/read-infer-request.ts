import { ServiceError } from '../errors.ts';
import { decodeInferRequest } from '../inference/binary-tensor.ts';
import { checkBinary, parseInferRequest } from '../inference/parse-infer.ts';
import { datatypeSizes, type InferRequest, type Tensor, type TensorMetadata } from '../inference/protocol.ts';
import { countElements, encodeBytes } from '../inference/tensor.ts';
import type { HttpRequest } from './http.ts';

/** The type under which SageMaker's clients send binary requests; the length of the JSON is its parameter. */
const sageMakerType = 'application/vnd.sagemaker-triton.binary+json';

/**
 * Reads the body of an infer request: JSON; JSON and binary data; or, with a header length of 0, the bytes of the only
 * input. The content type does not decide, since NVIDIA's client sends none. Throws invalid_request.
 */
export function readInferRequest(
  { headers, body }: Pick<HttpRequest, 'headers' | 'body'>,
  inputs: readonly TensorMetadata[],
): InferRequest {
  const headerLength = readHeaderLength(headers);
  if (headerLength === 0) return { inputs: [readRawInput(body, inputs)] };
  if (body.length === 0) throw new ServiceError('invalid_request', 'the body is empty; an infer request is needed');
  if (headerLength === undefined) return parseInferRequest(body, new Uint8Array(0));
  return decodeInferRequest(body, headerLength);
}

/** Of an answer in binary: SageMaker's where the request had it, since its clients read the length there. */
export function binaryContentType({ headers }: Pick<HttpRequest, 'headers'>, headerLength: number): string {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  return type.trim().toLowerCase() === sageMakerType
    ? `${sageMakerType};json-header-size=${headerLength}`
    : 'application/octet-stream';
}

/** https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md */
function readHeaderLength(headers: Readonly<Record<string, string>>): number | undefined {
  const [type, ...parameters] = (headers['content-type'] ?? '').split(';').map((part) => part.trim());
  if (type?.toLowerCase() === sageMakerType) {
    const size = parameters.find((parameter) => /^json-header-size=/i.test(parameter));
    if (size) return parseLength(size.slice('json-header-size='.length), `json-header-size of ${sageMakerType}`);
    throw new ServiceError('invalid_request', `the content type ${sageMakerType} needs ;json-header-size=<bytes>`);
  }
  const length = headers['inference-header-content-length'];
  return length === undefined ? undefined : parseLength(length, 'Inference-Header-Content-Length');
}

function parseLength(text: string, source: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new ServiceError('invalid_request', `${source} is '${text.slice(0, 40)}'; a number of bytes is allowed`);
}

/** One dimension that the model leaves open follows from the number of bytes. BYTES: the body is the one element. */
function readRawInput(body: Buffer, inputs: readonly TensorMetadata[]): Tensor {
  const [input] = inputs;
  if (!input || inputs.length > 1) {
    const names = inputs.map(({ name }) => name).join(', ') || 'none';
    throw new ServiceError('invalid_request', `a raw body is for models with one input; this one has ${names}`);
  }
  const { name, datatype, shape } = input;
  const open = shape.filter((dimension) => dimension === -1).length;
  if (open > 1) {
    throw new ServiceError(
      'invalid_request',
      `the shape [${shape}] of "${name}" does not follow from a raw body; send JSON`,
    );
  }
  const data = datatype === 'BYTES' ? encodeBytes([body]) : body;
  const fixed = countElements(
    shape.map((dimension) => (dimension === -1 ? 1 : dimension)),
    datatype,
  );
  const elements = datatype === 'BYTES' ? 1 : Math.floor(body.length / datatypeSizes[datatype]);
  const size = fixed === 0 ? 0 : Math.floor(elements / fixed);
  const given = shape.map((dimension) => (dimension === -1 ? size : dimension));
  checkBinary(data, datatype, countElements(given, datatype));
  return { name, datatype, shape: given, data };
}
