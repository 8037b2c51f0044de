import { ServiceError } from '../errors.ts';
import type { Tensor } from './protocol.ts';
import { createBytesTensor, type NumericDatatype, numbersOf } from './tensor.ts';

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
    const row: (number | bigint)[] = Array.from<number | bigint>(values.subarray(start, start + classes));
    const ranked = row.map((_, index) => index).sort((a, b) => compare(row[b]!, row[a]!) || a - b);
    for (const index of ranked.slice(0, top)) {
      const label = labels[index] === undefined ? '' : `:${labels[index]}`;
      strings.push(`${digits(row[index]!, tensor.datatype)}:${index}${label}`);
    }
  }
  return createBytesTensor(tensor.name, [...tensor.shape.slice(0, -1), top], strings);
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
