import { ServiceError } from '../errors.ts';
import { type Datatype, datatypeSizes, type Tensor } from './protocol.ts';
import { show } from './scan-json.ts';

/** Most dimensions that a tensor may have, as in NumPy. */
const maxRank = 64;
/** Most bytes that one tensor may have. */
const maxTensorBytes = 2 ** 31;

export type NumericDatatype = Exclude<Datatype, 'BYTES'>;

/** How the elements of each datatype are seen. FP16 and BF16 are bit patterns, BOOL is 0 or 1. */
const elementArrays = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Uint16Array,
  BF16: Uint16Array,
  FP32: Float32Array,
  FP64: Float64Array,
} as const;

export type ElementArray<D extends NumericDatatype = NumericDatatype> = InstanceType<(typeof elementArrays)[D]>;

/** Elements of a tensor of this shape; 1 for a scalar. Throws invalid_request where it is no shape or too large. */
export function countElements(shape: readonly number[], datatype: Datatype): number {
  if (shape.length > maxRank) {
    throw new ServiceError('invalid_request', `a shape has ${shape.length} dimensions; at most ${maxRank} are allowed`);
  }
  const limit = maxTensorBytes / Math.max(1, datatypeSizes[datatype]);
  let count = 1;
  // Zero dimensions do not hide an overflow of the others: a host would multiply them in another order.
  let product = 1;
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0) {
      throw new ServiceError(
        'invalid_request',
        `a shape has the dimension ${show(dimension)}; whole numbers from 0 to ${Number.MAX_SAFE_INTEGER} are allowed`,
      );
    }
    count *= dimension;
    product *= Math.max(1, dimension);
    if (product > limit) {
      throw new ServiceError(
        'invalid_request',
        `shape ${show(shape)} of ${datatype} is more than ${maxTensorBytes} bytes`,
      );
    }
  }
  return count;
}

/** An array of `length` zeros for elements of `datatype`. */
export function createElements<D extends NumericDatatype>(datatype: D, length: number): ElementArray<D> {
  return new elementArrays[datatype](length) as ElementArray<D>;
}

/** The elements of a tensor: a view of its bytes where they are aligned in memory, else of one copy of them. */
export function elementsOf<D extends NumericDatatype>(tensor: Tensor & { readonly datatype: D }): ElementArray<D> {
  const size = datatypeSizes[tensor.datatype];
  // Not slice(): that of a Buffer is a view.
  const data = tensor.data.byteOffset % size === 0 ? tensor.data : new Uint8Array(tensor.data);
  const elements = elementArrays[tensor.datatype];
  return new elements(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / size) as ElementArray<D>;
}

/** A tensor over the memory of `elements`, which has one element per element of `shape`. Nothing is copied. */
export function createTensor<D extends NumericDatatype>(
  name: string,
  datatype: D,
  shape: readonly number[],
  elements: ElementArray<D>,
): Tensor {
  return { name, datatype, shape, data: new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength) };
}

/** A BYTES tensor: strings become UTF-8. */
export function createBytesTensor(
  name: string,
  shape: readonly number[],
  elements: readonly (string | Uint8Array)[],
): Tensor {
  return { name, datatype: 'BYTES', shape, data: encodeBytes(elements) };
}

/** Elements of a BYTES tensor in binary form: 4 bytes of length, little-endian, then the bytes, for each. */
export function encodeBytes(elements: readonly (string | Uint8Array)[]): Buffer {
  let total = 0;
  for (const element of elements) total += 4 + Buffer.byteLength(element);
  const data = Buffer.allocUnsafe(total);
  let position = 0;
  for (const element of elements) {
    const start = position + 4;
    const length = typeof element === 'string' ? data.write(element, start, 'utf8') : element.length;
    if (typeof element !== 'string') data.set(element, start);
    data.writeUInt32LE(length, position);
    position = start + length;
  }
  return data;
}

/** The elements of a BYTES tensor's data, as views. Throws invalid_request where a length does not fit. */
export function decodeBytes(data: Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = [];
  walkBytes(data, (start, end) => elements.push(data.subarray(start, end)));
  return elements;
}

/** How many elements a BYTES tensor's data holds. Throws invalid_request where a length does not fit. */
export function countBytesElements(data: Uint8Array): number {
  let count = 0;
  walkBytes(data, () => count++);
  return count;
}

function walkBytes(data: Uint8Array, visit: (start: number, end: number) => void): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let position = 0;
  for (let index = 0; position < data.length; index++) {
    const start = position + 4;
    const end = start > data.length ? Number.POSITIVE_INFINITY : start + view.getUint32(position, true);
    if (end > data.length) {
      throw new ServiceError(
        'invalid_request',
        `element ${index} of a BYTES tensor ends after the tensor's ${data.length} bytes; ` +
          'each element is 4 bytes of length, little-endian, then its bytes',
      );
    }
    visit(start, end);
    position = end;
  }
}

/** Whether an element of a BYTES tensor holds a NUL byte, where C's strings end. */
export function holdsNul({ datatype, data }: Tensor): boolean {
  return datatype === 'BYTES' && decodeBytes(data).some((element) => element.includes(0));
}

/** Elements as numbers, with FP16 and BF16 decoded; a view where no decoding is needed. Not for BYTES. */
export function numbersOf(tensor: Tensor & { readonly datatype: NumericDatatype }): ElementArray {
  const elements = elementsOf(tensor);
  if (tensor.datatype !== 'FP16' && tensor.datatype !== 'BF16') return elements;
  const decode = tensor.datatype === 'FP16' ? halfToNumber : bfloat16ToNumber;
  return Float32Array.from(elements as Uint16Array, decode);
}

const scratch = new DataView(new ArrayBuffer(8));

/** The bits of the half-precision number nearest to `value`, ties to even; beyond ±65519.99… it is infinity. */
export function numberToHalf(value: number): number {
  const sign = Object.is(value, -0) || value < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundToEven(magnitude * 2 ** 24);
  scratch.setFloat64(0, magnitude);
  const exponent = (scratch.getUint16(0) >> 4) - 1023;
  // A significand that rounds up to 2048 carries into the exponent by itself.
  return sign | (((exponent + 15) << 10) + roundToEven(magnitude * 2 ** (10 - exponent)) - 1024);
}

/** Rounds a number from 0 to 2^51: adding 2^52 leaves no bits for a fraction. */
function roundToEven(value: number): number {
  return value + 2 ** 52 - 2 ** 52;
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function bfloat16ToNumber(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}
