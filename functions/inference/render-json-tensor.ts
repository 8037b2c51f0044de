import { isUtf8 } from 'node:buffer';
import { ServiceError } from '../errors.ts';
import type { Tensor } from './protocol.ts';
import { decodeBytes, numbersOf } from './tensor.ts';

/**
 * A tensor as JSON text, `data` flat. Numbers are those that a reader gets back bit for bit; INT64 and UINT64 have all
 * their digits. JSON has no NaN and no infinity: they are written as null, which NumPy reads as NaN (MLServer's way;
 * Triton writes the words, which JSON parsers refuse). Throws invalid_request for BYTES that are not UTF-8.
 */
export function renderJsonTensor(tensor: Tensor): string {
  const { name, datatype, shape, parameters } = tensor;
  const declaration = JSON.stringify({ name, datatype, shape, parameters });
  return `${declaration.slice(0, -1)},"data":[${renderData(tensor)}]}`;
}

function renderData(tensor: Tensor): string {
  const { name, datatype, data } = tensor;
  if (datatype === 'BYTES')
    return decodeBytes(data)
      .map((element) => renderString(element, name))
      .join(',');
  if (datatype === 'BOOL') return Array.from(data, (byte) => byte !== 0).join(',');
  const numbers = numbersOf({ ...tensor, datatype });
  if (numbers instanceof Float32Array || numbers instanceof Float64Array) return renderFloats(numbers);
  return numbers.join(',');
}

function renderFloats(numbers: Float32Array | Float64Array): string {
  for (const number of numbers) {
    if (Number.isFinite(number) && !Object.is(number, -0)) continue;
    return Array.from(numbers, renderSpecialFloat).join(',');
  }
  return numbers.join(',');
}

function renderSpecialFloat(number: number): string {
  if (!Number.isFinite(number)) return 'null';
  return Object.is(number, -0) ? '-0.0' : String(number);
}

function renderString(element: Uint8Array, name: string): string {
  if (isUtf8(element)) return JSON.stringify(Buffer.from(element).toString('utf8'));
  throw new ServiceError(
    'invalid_request',
    `the output "${name}" has bytes that are not UTF-8: ask for it with the parameter binary_data`,
  );
}
