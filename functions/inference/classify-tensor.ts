import { ServiceError } from '../errors.ts';
import type { Tensor } from './protocol.ts';
import { createBytesTensor, type ElementArray, type NumericDatatype, numbersOf } from './tensor.ts';

/** Up to so many classes are selected in one pass; to sort all to find five takes a second for a million. */
const mostSelected = 32;

/**
 * The `count` highest elements along the last dimension, highest first, as BYTES `<value>:<index>[:<label>]`, with the
 * shape [..., count]; fewer where the dimension has fewer. Throws invalid_request for BYTES.
 * Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_classification.md
 */
export function classifyTensor(tensor: Tensor, count: number, labels: readonly string[] = []): Tensor {
  if (tensor.datatype === 'BYTES') {
    throw new ServiceError('invalid_request', `the output "${tensor.name}" is BYTES, which have no classification`);
  }
  const values = numbersOf({ ...tensor, datatype: tensor.datatype });
  const classes = tensor.shape.at(-1) ?? 1;
  const top = Math.min(count, classes);
  const strings: string[] = [];
  for (let start = 0; start < values.length; start += classes) {
    const row = values.subarray(start, start + classes);
    for (const index of top > mostSelected ? sortIndices(row, top) : selectIndices(row, top)) {
      const label = labels[index] === undefined ? '' : `:${labels[index]}`;
      strings.push(`${digits(row[index]!, tensor.datatype)}:${index}${label}`);
    }
  }
  return createBytesTensor(tensor.name, [...tensor.shape.slice(0, -1), top], strings);
}

/** Places of the `count` highest elements, highest first, equal ones in their order: one pass, for a small count. */
function selectIndices(row: ElementArray, count: number): number[] {
  const top: number[] = [];
  for (let index = 0; index < row.length; index++) {
    let at = top.length;
    while (at > 0 && compare(row[index]!, row[top[at - 1]!]!) > 0) at--;
    if (at >= count) continue;
    top.splice(at, 0, index);
    if (top.length > count) top.pop();
  }
  return top;
}

/** As selectIndices, for a large count. */
function sortIndices(row: ElementArray, count: number): number[] {
  const indices = Array.from(row, (_: number | bigint, index: number) => index);
  return indices.sort((a, b) => compare(row[b]!, row[a]!) || a - b).slice(0, count);
}

/** NaN is lower than every number. */
function compare(a: number | bigint, b: number | bigint): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The fewest digits that identify a float: 3.3, where the number of that float prints as 3.299999952316284. */
function digits(value: number | bigint, datatype: NumericDatatype): string {
  if (typeof value === 'bigint' || datatype !== 'FP32' || !Number.isFinite(value)) return String(value);
  for (let precision = 6; precision < 9; precision++) {
    const rounded = Number(value.toPrecision(precision));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(Number(value.toPrecision(9)));
}
