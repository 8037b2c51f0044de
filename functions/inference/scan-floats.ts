import { outOfRange, parsed, scanHardNumber } from './scan-decimal.ts';
import type { ScanScalar } from './scan-json.ts';

const powersOfTen = Float64Array.of(1, 10, 100, 1000, 10_000);
const inversePowersOfTen = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e-${exponent}`));

/**
 * Reads floats, the datatype of nearly all large requests, four digits at a time. A decimal lies in an interval: what was
 * read of it says where, with a relative error below 2^-48; where both ends round to one float, the decimal itself does,
 * too. All else (an exponent, no number) goes the slow way.
 *
 * Here are the decimals with one digit before the point and, after it, at most 8 or at least 12 digits, of which the
 * first 12 decide: straight on, without branches that depend on how many there are, for a processor would mispredict them.
 */
export function scanFloats(bytes: Uint8Array, elements: Float32Array): ScanScalar {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (at, index) => {
    const minus = ((bytes[at]! ^ 0x2d) - 1) >>> 31;
    const start = at + minus;
    const whole = bytes[start]! - 0x30;
    if (start + 22 > bytes.length || bytes[start + 1] !== 0x2e || whole < 0 || whole > 9) {
      return scanAnyFloat(bytes, view, elements, at, index);
    }
    const first = (view.getInt32(start + 2, true) - 0x30303030) | 0;
    const second = (view.getInt32(start + 6, true) - 0x30303030) | 0;
    const third = (view.getInt32(start + 10, true) - 0x30303030) | 0;
    let position = start + 2;
    let lowest: number;
    let highest: number;
    if ((nonDigits(first) | nonDigits(second) | nonDigits(third)) === 0) {
      const fourth = countDigits((view.getInt32(start + 14, true) - 0x30303030) | 0);
      const fifth = countDigits((view.getInt32(start + 18, true) - 0x30303030) | 0);
      position += 12 + fourth + (fifth & -(fourth >> 2));
      const significand =
        (whole * 100_000_000 + fourDigits(first) * 10_000 + fourDigits(second)) * 10_000 + fourDigits(third);
      lowest = significand * (1e-12 * (1 - 2 ** -48));
      highest = (significand + 1) * (1e-12 * (1 + 2 ** -48));
    } else {
      const early = countDigits(first);
      const late = countDigits(second) & -(early >> 2);
      position += early + late;
      const upper = whole * powersOfTen[early]! + fourDigits(keepDigits(first, early));
      const significand = upper * powersOfTen[late]! + fourDigits(keepDigits(second, late));
      const magnitude = significand * inversePowersOfTen[early + late]!;
      lowest = magnitude * (1 - 2 ** -48);
      highest = magnitude * (1 + 2 ** -48);
    }
    const value = Math.fround(lowest);
    if (value !== Math.fround(highest) || !isEnd(bytes[position]!) || position === start + 2) {
      return scanAnyFloat(bytes, view, elements, at, index);
    }
    elements[index] = value * (1 - 2 * minus);
    return position;
  };
}

function scanAnyFloat(bytes: Uint8Array, view: DataView, elements: Float32Array, at: number, index: number): number {
  const negative = bytes[at] === 0x2d;
  const start = negative ? at + 1 : at;
  let position = start;
  let byte = bytes[position]!;
  let whole = 0;
  for (; byte >= 0x30 && byte <= 0x39; byte = bytes[++position]!) whole = (Math.imul(whole, 10) + byte - 0x30) | 0;
  const wholeDigits = position - start;
  let significand = whole;
  let fractionDigits = 0;
  if (byte === 0x2e) {
    const first = ++position;
    for (let count = 4; count === 4 && position + 4 <= bytes.length; position += count) {
      const word = (view.getInt32(position, true) - 0x30303030) | 0;
      count = countDigits(word);
      significand = significand * powersOfTen[count]! + fourDigits(keepDigits(word, count));
    }
    // A fraction of no digits has no power of ten, hence no certain value.
    fractionDigits = position - first || -1;
  }
  const magnitude = significand * inversePowersOfTen[fractionDigits]!;
  const value = Math.fround(magnitude * (1 - 2 ** -48));
  const isPlain = wholeDigits === 1 || (wholeDigits > 1 && wholeDigits <= 9 && bytes[start] !== 0x30);
  if (!isPlain || value !== Math.fround(magnitude * (1 + 2 ** -48)) || !isEnd(bytes[position]!)) {
    return scanHardFloat(bytes, at, elements, index);
  }
  elements[index] = negative ? -value : value;
  return position;
}

function scanHardFloat(bytes: Uint8Array, at: number, elements: Float32Array, index: number): number {
  const end = scanHardNumber(bytes, at, 'FP32');
  elements[index] = parsed[0]!;
  if (!Number.isFinite(Math.fround(parsed[0]!))) throw outOfRange(bytes, at, 'FP32');
  return end;
}

/** Not an exponent, nor a digit beyond those that were read; what else is wrong, the array's scanner finds. */
function isEnd(byte: number): boolean {
  return byte < 0x30 || byte === 0x5d;
}

/**
 * Four characters, given as their differences to '0': bit 7 of each byte that is no digit, up to the first of them. A
 * digit leaves bit 7 clear, also with 0x76 added.
 */
function nonDigits(word: number): number {
  return (word | (word + 0x76767676)) & 0x80808080;
}

/** How many of four characters are digits before the first that is none. */
function countDigits(word: number): number {
  const others = nonDigits(word);
  // 0, 8, 16, 24 zeros before the lowest bit or, where there is none, 32 mean 3, 2, 1, 0 or 4 digits.
  return (0x40123 >> (Math.clz32(others & -others) >>> 1)) & 7;
}

/** The first `count` of four digits, behind as many zeros as are missing. */
function keepDigits(word: number, count: number): number {
  // In two steps: a shift by 32 would shift by nothing.
  const half = 16 - (count << 2);
  return (word << half) << half;
}

/** The number of four digits: pairs first, then both pairs by one multiplication. */
function fourDigits(word: number): number {
  const pairs = (Math.imul(word, 10) + (word >>> 8)) & 0x00ff00ff;
  return Math.imul(pairs, 0x00640001) >>> 16;
}
