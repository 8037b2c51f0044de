import { ServiceError } from '../errors.ts';
import { parseInferRequest, parseInferResponse } from './parse-infer.ts';
import type { InferRequest, InferResponse, Tensor } from './protocol.ts';

/** A message in the binary form: a JSON object of `headerLength` bytes, then the bytes of its tensors. */
export interface BinaryMessage {
  /** The value of the header `Inference-Header-Content-Length`. */
  readonly headerLength: number;
  readonly body: Buffer;
}

/** Memory for a message of so many bytes, 8-aligned. */
type Allocate = (bytes: number) => Buffer;

/** Most bytes that reusedMemory() keeps. */
const keptBytes = 8 * 1024 * 1024;

/**
 * For messages that are read to their end before the next is written, as base64 is made of them: each lies where the
 * last one lay. Fresh memory costs ten times as much as the copy into it, for the system has to map its pages.
 */
export function reusedMemory(): Allocate {
  let memory = Buffer.alloc(0);
  return (bytes) => {
    if (bytes > keptBytes) return Buffer.allocUnsafeSlow(bytes);
    if (bytes > memory.length) memory = Buffer.allocUnsafeSlow(bytes);
    return memory.subarray(0, bytes);
  };
}

/**
 * A request with all its tensors in binary, which asks for all outputs in binary (`binary_data_output`).
 * Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */
export function encodeInferRequest(request: InferRequest, allocate?: Allocate): BinaryMessage {
  return encodeBinary(requestHeader(request), request.inputs, allocate);
}

/** Bytes of a request as encodeInferRequest writes it. */
export function countRequestBytes(request: InferRequest): number {
  return messageLengths(requestHeader(request), request.inputs).total;
}

function requestHeader(request: InferRequest): string {
  const { id, inputs, outputs } = request;
  const parameters = { ...request.parameters, binary_data_output: true };
  return JSON.stringify({ id, parameters, inputs: inputs.map(declareBinary), outputs });
}

/** A response with all its tensors in binary. */
export function encodeInferResponse(response: InferResponse, allocate?: Allocate): BinaryMessage {
  return encodeBinary(responseHeader(response), response.outputs, allocate);
}

/** Bytes of a response as encodeInferResponse writes it. */
export function countResponseBytes(response: InferResponse): number {
  return messageLengths(responseHeader(response), response.outputs).total;
}

function responseHeader(response: InferResponse): string {
  return JSON.stringify({ ...response, outputs: response.outputs.map(declareBinary) });
}

/** Reads a request of the binary form; tensors are views of `body`. Throws invalid_request. */
export function decodeInferRequest(body: Uint8Array, headerLength: number): InferRequest {
  checkHeaderLength(body, headerLength);
  return parseInferRequest(body.subarray(0, headerLength), body.subarray(headerLength));
}

/** Reads a host's answer of the binary form; tensors are views of `body`. Throws model_failed where it is malformed. */
export function decodeInferResponse(body: Uint8Array, headerLength: number): InferResponse {
  try {
    checkHeaderLength(body, headerLength);
    return parseInferResponse(body.subarray(0, headerLength), body.subarray(headerLength));
  } catch (cause) {
    if (!(cause instanceof ServiceError)) throw cause;
    throw new ServiceError('model_failed', `the model host's answer is malformed: ${cause.message}`, { cause });
  }
}

function checkHeaderLength(body: Uint8Array, headerLength: number): void {
  if (Number.isSafeInteger(headerLength) && headerLength >= 0 && headerLength <= body.length) return;
  throw new ServiceError('invalid_request', `the header length is ${headerLength}; the body has ${body.length} bytes`);
}

/** How the JSON object of a message names a tensor whose bytes follow it. */
export function declareBinary({ name, datatype, shape, parameters, data }: Tensor) {
  return { name, datatype, shape, parameters: { ...parameters, binary_data_size: data.length } };
}

/** Joins a JSON object and the bytes of the tensors that it declares as binary. */
export function encodeBinary(
  json: string,
  tensors: readonly Tensor[],
  allocate: Allocate = Buffer.allocUnsafeSlow,
): BinaryMessage {
  const { length, headerLength, total } = messageLengths(json, tensors);
  const body = allocate(total);
  body.write(json, 0, 'utf8');
  for (let at = length; at < headerLength; at++) body[at] = 0x20;
  let position = headerLength;
  for (const { data } of tensors) {
    body.set(data, position);
    position += data.length;
  }
  return { headerLength, body };
}

function messageLengths(json: string, tensors: readonly Tensor[]) {
  const length = Buffer.byteLength(json);
  // Spaces after the JSON let the first tensor begin at a multiple of 8 in memory: readers need not copy it.
  const headerLength = Math.ceil(length / 8) * 8;
  let total = headerLength;
  for (const { data } of tensors) total += data.length;
  return { length, headerLength, total };
}
