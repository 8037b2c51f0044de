import { ServiceError } from '../errors.ts';
import {
  endOfScalar,
  maxDepth,
  openBrace,
  openBracket,
  type Parsed,
  parseScalar,
  quote,
  scanArray,
  scanObject,
  scanString,
  text,
  tooDeep,
} from './scan-json.ts';

/** Most values of a field that is not the data of a tensor: a shape, parameters, names of outputs. */
const maxValues = 65_536;

/**
 * Parses the small value at `at`. Objects have no prototype; throws where one of them has a field twice. `left`: how many
 * more arrays, objects and scalars it may hold.
 */
export function parseValue(bytes: Uint8Array, at: number, depth = 1, left = { values: maxValues }): Parsed {
  if (left.values-- === 0) {
    const rule = 'elements of tensors belong into data';
    throw new ServiceError('invalid_request', `JSON at byte ${at}: a field has more than ${maxValues} values; ${rule}`);
  }
  if (bytes[at] === quote) {
    const { end, plain } = scanString(bytes, at);
    return plain ? { value: text(bytes, at + 1, end - 1), end } : parseScalar(bytes, at, end);
  }
  if (bytes[at] !== openBracket && bytes[at] !== openBrace) return parseScalar(bytes, at, endOfScalar(bytes, at));
  if (depth > maxDepth) throw tooDeep();
  const list: unknown[] = [];
  const fields: Record<string, unknown> = Object.create(null);
  if (bytes[at] === openBrace) {
    const end = scanObject(bytes, at, (key, position) => {
      const { value, end } = parseValue(bytes, position, depth + 1, left);
      fields[key] = value;
      return end;
    });
    return { value: fields, end };
  }
  const end = scanArray(bytes, at, (position) => {
    const { value, end } = parseValue(bytes, position, depth + 1, left);
    list.push(value);
    return end;
  });
  return { value: list, end };
}

/**
 * Fields of all objects in what JSON.parse made; NaN where it is nested too deep. Fewer than its text has colons after
 * names: a field was given twice.
 */
export function countFields(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth > maxDepth) return Number.NaN;
  let count = 0;
  if (Array.isArray(value)) for (const item of value) count += countFields(item, depth + 1);
  else for (const key in value) count += 1 + countFields(value[key as keyof typeof value], depth + 1);
  return count;
}
