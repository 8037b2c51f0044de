import { isUtf8 } from 'node:buffer';
import type { Tensor as OnnxTensor, TensorConstructor } from 'onnxruntime-node';
import { ServiceError } from '../errors.ts';
import { type Datatype, datatypeSizes, type Tensor } from '../inference/protocol.ts';
import { decodeBytes, elementsOf, encodeBytes, type NumericDatatype } from '../inference/tensor.ts';

/** ONNX Runtime's name of each datatype; its Node binding takes FP16 as 16-bit words and knows no BF16. */
const onnxTypes = {
  BOOL: 'bool',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FP16: 'float16',
  FP32: 'float32',
  FP64: 'float64',
  BYTES: 'string',
} as const satisfies Partial<Record<Datatype, string>>;

const datatypes = new Map<string, Datatype>(
  Object.entries(onnxTypes).map(([datatype, type]) => [type, datatype as Datatype]),
);

/** The datatype that ONNX Runtime calls `type`; undefined: the protocol has no name for it (int4). */
export function toDatatype(type: string): Datatype | undefined {
  return datatypes.get(type);
}

/** Aligned data is not copied. Throws model_rejected_input, and what ONNX Runtime throws. */
export function toOnnxTensor(tensor: Tensor, OrtTensor: TensorConstructor): OnnxTensor {
  const { name, datatype, shape, data } = tensor;
  if (datatype === 'BYTES') return new OrtTensor('string', readStrings(name, data), shape);
  if (datatype === 'BF16') {
    throw new ServiceError('model_rejected_input', `input '${name}': the CPU host cannot take BF16; send FP32 or FP16`);
  }
  const create = OrtTensor as new (type: string, data: unknown, shape: readonly number[]) => OnnxTensor;
  return new create(onnxTypes[datatype], elementsOf(tensor as Tensor & { datatype: NumericDatatype }), shape);
}

/** The bytes are a copy: those of ONNX Runtime die with its session, wherever they have been transferred to. */
export function fromOnnxTensor(name: string, tensor: OnnxTensor): Tensor {
  const datatype = toDatatype(tensor.type);
  if (!datatype) throw new ServiceError('model_failed', `output '${name}' is ${tensor.type}, no datatype of /v2`);
  const shape = [...tensor.dims];
  // A copy here too: encodeBytes may answer a piece of Node's pool, which cannot be transferred.
  if (datatype === 'BYTES')
    return { name, datatype, shape, data: new Uint8Array(encodeBytes(tensor.data as string[])) };
  const view = tensor.data as Exclude<OnnxTensor['data'], string[]>;
  const data = new Uint8Array(view.buffer, view.byteOffset, view.length * datatypeSizes[datatype]).slice();
  return { name, datatype, shape, data };
}

/** ONNX strings are UTF-8: what is not would come back changed, and is refused. */
function readStrings(name: string, data: Uint8Array): string[] {
  // Out of shared memory first: text decoders refuse it.
  return decodeBytes(data.slice()).map((element, index) => {
    if (isUtf8(element)) return Buffer.from(element.buffer, element.byteOffset, element.length).toString();
    const rule = 'the CPU host takes BYTES elements of UTF-8 text';
    throw new ServiceError('model_rejected_input', `input '${name}': element ${index} is not UTF-8; ${rule}`);
  });
}
