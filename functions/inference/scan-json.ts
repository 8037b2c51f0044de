import { ServiceError } from '../errors.ts';

/** Most arrays and objects inside one another. */
export const maxDepth = 64;

export const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
export const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
export const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Reads the value at `at` and returns the position after it. */
export type ScanValue = (at: number) => number;

/** As ScanValue, for the scalar of this index in an array. */
export type ScanScalar = (at: number, index: number) => number;

function malformed(bytes: Uint8Array, at: number, expected: string): ServiceError {
  const given = at < bytes.length ? JSON.stringify(tokenAt(bytes, at) || String.fromCharCode(bytes[at]!)) : 'the end';
  return new ServiceError('invalid_request', `malformed JSON at byte ${at}: expected ${expected}, found ${given}`);
}

/** The characters of a number or word at `at`, at most 40 of them: what an error shows. */
export function tokenAt(bytes: Uint8Array, at: number): string {
  let end = at;
  while (end < bytes.length && end < at + 40 && !/[\s",:[\]{}]/.test(String.fromCharCode(bytes[end]!))) end++;
  return text(bytes, at, end);
}

/** A value of JSON as an error message shows it: at most 80 characters. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  // JSON can write 1e400, but not what a reader makes of it.
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

export function text(bytes: Uint8Array, start: number, end: number): string {
  if (bytes instanceof Buffer) return bytes.toString('utf8', start, end);
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

export function skipWhitespace(bytes: Uint8Array, at: number): number {
  let position = at;
  for (let byte = bytes[position]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; ) {
    byte = bytes[++position];
  }
  return position;
}

/** The position after the string that begins at `at`, and whether its bytes are its text as they are. */
export function scanString(bytes: Uint8Array, at: number): { end: number; plain: boolean } {
  if (bytes[at] !== quote) throw malformed(bytes, at, 'a string');
  let plain = true;
  let position = at + 1;
  for (; position < bytes.length; position++) {
    const byte = bytes[position]!;
    if (byte === quote) return { end: position + 1, plain };
    if (byte < 0x20) throw malformed(bytes, position, 'no control character in a string');
    if (byte !== backslash) continue;
    plain = false;
    position++;
  }
  throw malformed(bytes, position, 'the end of a string');
}

/** The position after the value at `at`. Its grammar is not checked, but its depth is. */
export function skipValue(bytes: Uint8Array, at: number): number {
  let depth = 0;
  let position = at;
  while (position < bytes.length) {
    let byte = bytes[position]!;
    // Digits, signs and commas inside an array lie below '['.
    while (depth > 0 && byte !== quote && byte < openBracket) byte = bytes[++position]!;
    if (byte === quote) position = scanString(bytes, position).end;
    else if (byte === openBracket || byte === openBrace) {
      if (++depth > maxDepth) throw tooDeep();
      position++;
    } else if (byte === closeBracket || byte === closeBrace) {
      if (depth === 0) break;
      depth--;
      position++;
    } else if (depth > 0) position++;
    else position = endOfScalar(bytes, position);
    if (depth === 0) return position;
  }
  throw malformed(bytes, position, 'a value');
}

export function endOfScalar(bytes: Uint8Array, at: number): number {
  let position = at;
  for (; position < bytes.length; position++) {
    const byte = bytes[position]!;
    if (byte <= 0x20 || byte === comma || byte === closeBracket || byte === closeBrace) break;
  }
  if (position === at) throw malformed(bytes, at, 'a value');
  return position;
}

export interface Parsed {
  readonly value: unknown;
  /** The position after it. */
  readonly end: number;
}

/** The string, number or word from `at` to `end`. */
export function parseScalar(bytes: Uint8Array, at: number, end: number): Parsed {
  try {
    return { value: JSON.parse(text(bytes, at, end)), end };
  } catch (cause) {
    throw new ServiceError('invalid_request', `malformed JSON at byte ${at}: ${(cause as Error).message}`, { cause });
  }
}

export function tooDeep(): ServiceError {
  return new ServiceError('invalid_request', `JSON is nested deeper than ${maxDepth} levels`);
}

/** Reads an object; `scanField` reads the value of each key. Throws where a key is given twice. */
export function scanObject(bytes: Uint8Array, at: number, scanField: (key: string, at: number) => number): number {
  if (bytes[at] !== openBrace) throw malformed(bytes, at, 'an object');
  const keys = new Set<string>();
  return scanMembers(bytes, at, closeBrace, (position) => {
    const { end, plain } = scanString(bytes, position);
    const key = plain ? text(bytes, position + 1, end - 1) : (parseScalar(bytes, position, end).value as string);
    if (keys.has(key)) throw new ServiceError('invalid_request', `the field ${show(key)} is given twice`);
    keys.add(key);
    const separator = skipWhitespace(bytes, end);
    if (bytes[separator] !== colon) throw malformed(bytes, separator, '":"');
    return scanField(key, skipWhitespace(bytes, separator + 1));
  });
}

/** Reads an array; `scanElement` reads each element. */
export function scanArray(bytes: Uint8Array, at: number, scanElement: ScanValue): number {
  if (bytes[at] !== openBracket) throw malformed(bytes, at, 'an array');
  return scanMembers(bytes, at, closeBracket, scanElement);
}

function scanMembers(bytes: Uint8Array, at: number, close: number, scanMember: ScanValue): number {
  let position = skipWhitespace(bytes, at + 1);
  if (bytes[position] === close) return position + 1;
  for (;;) {
    position = skipWhitespace(bytes, scanMember(position));
    if (bytes[position] === close) return position + 1;
    if (bytes[position] !== comma) throw malformed(bytes, position, `"," or "${String.fromCharCode(close)}"`);
    position = skipWhitespace(bytes, position + 1);
  }
}

/**
 * Reads one scalar or an array of arrays of scalars in row-major order and counts the scalars; `scanScalar` reads each,
 * given its index. Throws where arrays at one depth differ in length or scalars lie at different depths.
 */
export function scanNestedArray(bytes: Uint8Array, at: number, scanScalar: ScanScalar): { count: number; end: number } {
  if (bytes[at] !== openBracket) return { end: scanScalar(at, 0), count: 1 };
  const starts: number[] = [];
  const lengths: number[] = [];
  let depth = 0;
  let deepest = 0;
  let count = 0;
  let position = at;
  let state: 'first' | 'next' | 'after' = 'next';
  do {
    const byte = bytes[position];
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) position++;
    else if (state === 'after' && byte === comma) {
      state = 'next';
      position++;
    } else if (state !== 'next' && byte === closeBracket) {
      const length = count - starts[depth]!;
      lengths[depth] ??= length;
      if (length !== lengths[depth]) throw ragged(position);
      depth--;
      state = 'after';
      position++;
    } else if (state === 'after' || byte === undefined) throw malformed(bytes, position, '"," or "]"');
    else if (byte === openBracket) {
      if (depth === deepest && count > 0) throw ragged(position);
      if (++depth > maxDepth) throw tooDeep();
      deepest = Math.max(deepest, depth);
      starts[depth] = count;
      state = 'first';
      position++;
    } else {
      if (depth !== deepest) throw ragged(position);
      position = scanScalar(position, count++);
      // Most scalars have a sibling: a tight loop over them keeps the rest of this function out of the way.
      while (bytes[position] === comma) {
        // Python writes a space after it.
        const next = bytes[position + 1] === 0x20 ? position + 2 : position + 1;
        const byte = bytes[next]!;
        if (!(byte > 0x20) || byte === openBracket || byte === closeBracket) break;
        position = scanScalar(next, count++);
      }
      state = 'after';
    }
  } while (depth > 0);
  return { count, end: position };
}

function ragged(at: number): ServiceError {
  return new ServiceError(
    'invalid_request',
    `data at byte ${at}: nested arrays must all have the same lengths, or be given flat`,
  );
}
