import { ServiceError } from '../errors.ts';
import type { Datatype } from './protocol.ts';
import { notOf, outOfRange, parsed, scanDouble } from './scan-decimal.ts';
import { scanFloats } from './scan-floats.ts';
import { type ScanScalar, scanNestedArray, scanString, skipValue } from './scan-json.ts';
import { createElements, numberToHalf } from './tensor.ts';

interface Elements {
  /** The tensor's bytes. */
  readonly data: Uint8Array;
  readonly count: number;
  readonly end: number;
}

/**
 * Turns the JSON `data` at `at` straight into the bytes of a tensor, with the values that JSON.parse and an assignment
 * to a typed array would give, but for INT64 and UINT64, which keep all their digits. Elements beyond `expected` are
 * only counted. Throws invalid_request for an element that `datatype` cannot hold.
 */
export function scanElements(bytes: Uint8Array, at: number, datatype: Datatype, expected: number): Elements {
  // An element takes a byte at least: a shape that the body cannot fill reserves no memory.
  const capacity = Math.min(expected, bytes.length - at);
  if (datatype === 'BYTES') return scanStrings(bytes, at);
  if (datatype === 'BF16') {
    throw new ServiceError('invalid_request', 'BF16 has no JSON form; send it as binary data (binary_data_size)');
  }
  const elements = createElements(datatype, capacity);
  const scanScalar = scalarScanners[datatype](bytes, elements as never);
  const result = scanNestedArray(bytes, at, scanScalar);
  return { ...result, data: new Uint8Array(elements.buffer, 0, elements.byteLength) };
}

const scalarScanners = {
  BOOL: scanBooleans,
  UINT8: (bytes: Uint8Array, elements: Uint8Array) => scanIntegers(bytes, elements, 'UINT8', 0, 255),
  UINT16: (bytes: Uint8Array, elements: Uint16Array) => scanIntegers(bytes, elements, 'UINT16', 0, 65535),
  UINT32: (bytes: Uint8Array, elements: Uint32Array) => scanIntegers(bytes, elements, 'UINT32', 0, 2 ** 32 - 1),
  UINT64: (bytes: Uint8Array, elements: BigUint64Array) => scanLongs(bytes, elements, 'UINT64', 0n, 2n ** 64n - 1n),
  INT8: (bytes: Uint8Array, elements: Int8Array) => scanIntegers(bytes, elements, 'INT8', -128, 127),
  INT16: (bytes: Uint8Array, elements: Int16Array) => scanIntegers(bytes, elements, 'INT16', -32768, 32767),
  INT32: (bytes: Uint8Array, elements: Int32Array) => scanIntegers(bytes, elements, 'INT32', -(2 ** 31), 2 ** 31 - 1),
  INT64: (bytes: Uint8Array, elements: BigInt64Array) =>
    scanLongs(bytes, elements, 'INT64', -(2n ** 63n), 2n ** 63n - 1n),
  FP16: scanHalfs,
  FP32: scanFloats,
  FP64: scanDoubles,
} satisfies Record<Exclude<Datatype, 'BYTES' | 'BF16'>, (bytes: Uint8Array, elements: never) => ScanScalar>;

function scanDoubles(bytes: Uint8Array, elements: Float64Array): ScanScalar {
  return (at, index) => {
    const end = scanDouble(bytes, at, 'FP64');
    if (!Number.isFinite(parsed[0])) throw outOfRange(bytes, at, 'FP64');
    elements[index] = parsed[0]!;
    return end;
  };
}

function scanHalfs(bytes: Uint8Array, elements: Uint16Array): ScanScalar {
  return (at, index) => {
    const end = scanDouble(bytes, at, 'FP16');
    if (Math.abs(parsed[0]!) >= 65520) throw outOfRange(bytes, at, 'FP16');
    elements[index] = numberToHalf(parsed[0]!);
    return end;
  };
}

function scanIntegers(
  bytes: Uint8Array,
  elements: Uint8Array | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array,
  datatype: Datatype,
  lowest: number,
  highest: number,
): ScanScalar {
  return (at, index) => {
    const end = scanDouble(bytes, at, datatype);
    const value = parsed[0]!;
    if (!Number.isInteger(value)) throw notOf(bytes, at, datatype, 'a whole number');
    if (value < lowest || value > highest) throw outOfRange(bytes, at, datatype, `${lowest} to ${highest}`);
    elements[index] = value;
    return end;
  };
}

function scanLongs(
  bytes: Uint8Array,
  elements: BigInt64Array | BigUint64Array,
  datatype: Datatype,
  lowest: bigint,
  highest: bigint,
): ScanScalar {
  return (at, index) => {
    const end = scanDouble(bytes, at, datatype);
    if (!Number.isInteger(parsed[0])) throw notOf(bytes, at, datatype, 'a whole number');
    const value = Number.isSafeInteger(parsed[0]) ? BigInt(parsed[0]!) : exactInteger(bytes, at, end, datatype);
    if (value < lowest || value > highest) throw outOfRange(bytes, at, datatype, `${lowest} to ${highest}`);
    elements[index] = value;
    return end;
  };
}

function exactInteger(bytes: Uint8Array, at: number, end: number, datatype: Datatype): bigint {
  const digits = Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString('latin1');
  if (end - at > 20 || /[.eE]/.test(digits)) throw notOf(bytes, at, datatype, 'at most 20 plain digits');
  return BigInt(digits);
}

function scanBooleans(bytes: Uint8Array, elements: Uint8Array): ScanScalar {
  return (at, index) => {
    const byte = bytes[at];
    if (byte === 0x31 || (byte === 0x74 && matches(bytes, at, 'true'))) {
      elements[index] = 1;
      return at + (byte === 0x31 ? 1 : 4);
    }
    if (byte !== 0x30 && !matches(bytes, at, 'false')) throw notOf(bytes, at, 'BOOL', 'true or false');
    return at + (byte === 0x30 ? 1 : 5);
  };
}

function matches(bytes: Uint8Array, at: number, word: string): boolean {
  for (let index = 0; index < word.length; index++) {
    if (bytes[at + index] !== word.charCodeAt(index)) return false;
  }
  return true;
}

/** Straight into the tensor's bytes: a list of millions of short strings would take ten times their memory. */
function scanStrings(bytes: Uint8Array, at: number): Elements {
  // `"…",` becomes four bytes of length and, at most, what is between the quotes.
  const data = Buffer.allocUnsafe(Math.ceil(((skipValue(bytes, at) - at) / 3) * 4) + 4);
  let used = 0;
  const result = scanNestedArray(bytes, at, (position) => {
    if (bytes[position] !== 0x22) throw notOf(bytes, position, 'BYTES', 'a string');
    const { end, plain } = scanString(bytes, position);
    const string = plain ? bytes.subarray(position + 1, end - 1) : unescapeString(bytes, position, end);
    data.writeUInt32LE(string.length, used);
    data.set(string, used + 4);
    used += 4 + string.length;
    return end;
  });
  return { ...result, data: data.subarray(0, used) };
}

function unescapeString(bytes: Uint8Array, at: number, end: number): Uint8Array {
  const escaped = Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString('utf8');
  let string: string;
  try {
    string = JSON.parse(escaped);
  } catch (cause) {
    throw new ServiceError('invalid_request', `data at byte ${at}: ${(cause as Error).message}`, { cause });
  }
  if (string.isWellFormed()) return Buffer.from(string, 'utf8');
  throw new ServiceError(
    'invalid_request',
    `data at byte ${at}: the string has half of a surrogate pair; send it as binary`,
  );
}
