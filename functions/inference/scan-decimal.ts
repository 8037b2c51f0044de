import { ServiceError } from '../errors.ts';
import type { Datatype } from './protocol.ts';
import { tokenAt } from './scan-json.ts';

const powersOfTen = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** The number that was read last. */
export const parsed = new Float64Array(1);

/**
 * Reads a plain decimal of less than 2^53 without its point and at most 22 digits after it, whose quotient is what
 * JSON.parse reads (Clinger's fast path); every other number the slow way.
 */
export function scanDouble(bytes: Uint8Array, at: number, datatype: Datatype): number {
  let position = at;
  let byte = bytes[position]!;
  const negative = byte === 0x2d;
  if (negative) byte = bytes[++position]!;
  let significand = byte - 0x30;
  const first = position;
  for (byte = bytes[++position]!; byte >= 0x30 && byte <= 0x39; byte = bytes[++position]!) {
    significand = significand * 10 + (byte - 0x30);
  }
  const wholeDigits = position - first;
  let fractionDigits = 0;
  if (byte === 0x2e) {
    const point = position;
    for (byte = bytes[++position]!; byte >= 0x30 && byte <= 0x39; byte = bytes[++position]!) {
      significand = significand * 10 + (byte - 0x30);
    }
    fractionDigits = position - point - 1;
    if (fractionDigits === 0) return scanHardNumber(bytes, at, datatype);
  }
  const leadingZero = wholeDigits > 1 && bytes[first] === 0x30;
  const firstIsDigit = bytes[first]! >= 0x30 && bytes[first]! <= 0x39;
  if (!firstIsDigit || leadingZero || significand > 2 ** 53 || fractionDigits > 22 || (byte | 0x20) === 0x65) {
    return scanHardNumber(bytes, at, datatype);
  }
  const value = significand / powersOfTen[fractionDigits]!;
  parsed[0] = negative ? -value : value;
  return position;
}

/** Reads any JSON number as JSON.parse does. */
export function scanHardNumber(bytes: Uint8Array, at: number, datatype: Datatype): number {
  let end = at;
  // '+' to '9' and 'E' or 'e': what is no number among them, the pattern below refuses.
  for (let byte = bytes[end]!; (byte > 0x2a && byte < 0x3a && byte !== 0x2c) || (byte | 0x20) === 0x65; ) {
    byte = bytes[++end]!;
  }
  const digits = Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString('latin1');
  if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(digits)) throw notOf(bytes, at, datatype, 'a number');
  parsed[0] = Number(digits);
  return end;
}

/** The error for an element that is no value of `datatype`. */
export function notOf(bytes: Uint8Array, at: number, datatype: Datatype, allowed: string): ServiceError {
  const token = tokenAt(bytes, at);
  const hint = /^-?(?:NaN|Inf)/i.test(token) ? '; JSON has no NaN and no infinity, binary data has' : '';
  const given = token || JSON.stringify(String.fromCharCode(bytes[at] ?? 0x20));
  return new ServiceError('invalid_request', `data at byte ${at}: ${datatype} takes ${allowed}, given ${given}${hint}`);
}

/** The error for an element beyond what `datatype` can hold. */
export function outOfRange(
  bytes: Uint8Array,
  at: number,
  datatype: Datatype,
  range = 'finite numbers of its range',
): ServiceError {
  return new ServiceError(
    'invalid_request',
    `data at byte ${at}: ${datatype} takes ${range}, given ${tokenAt(bytes, at)}`,
  );
}
