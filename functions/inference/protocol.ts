/**
 * The Open Inference Protocol v2, as values. Tensors are kept as raw little-endian bytes in the protocol's binary form,
 * so that they pass from the wire to a model host without being touched.
 * Source: https://github.com/kserve/open-inference-protocol and Triton's binary tensor data extension.
 */

/** Bytes per element of each datatype; 0: elements differ in length (BYTES: each is 4 bytes of length, then its bytes). */
export const datatypeSizes = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  BF16: 2,
  FP32: 4,
  FP64: 8,
  BYTES: 0,
} as const;

export type Datatype = keyof typeof datatypeSizes;

export type Parameters = Record<string, string | number | boolean>;

/** One tensor: row-major, little-endian. A scalar has shape `[]`; a dimension may be 0. */
export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** Exactly `elements × datatypeSizes[datatype]` bytes; BYTES: length-prefixed elements. Need not be aligned. */
  readonly data: Uint8Array;
  readonly parameters?: Parameters;
}

/** `shape` as a model declares it: -1 is a dimension of any size. */
export interface TensorMetadata {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
}

export interface RequestedOutput {
  readonly name: string;
  /** `classification: k` and `binary_data: true` are the ones that Lambent acts on. */
  readonly parameters?: Parameters;
}

export interface InferRequest {
  readonly id?: string;
  readonly parameters?: Parameters;
  readonly inputs: readonly Tensor[];
  /** Absent: all outputs. */
  readonly outputs?: readonly RequestedOutput[];
}

export interface InferResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id?: string;
  readonly parameters?: Parameters;
  readonly outputs: readonly Tensor[];
}
