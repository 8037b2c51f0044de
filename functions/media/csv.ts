import { ServiceError } from '../errors.ts';

/**
 * The rows of a CSV text with a header, as fields by the header's names. Source: RFC 4180; lines may also end with LF alone,
 * a byte-order mark is passed over, and empty lines are none. Throws invalid_request that says where.
 */
export function parseCsv(text: string): Record<string, string>[] {
  const [header, ...lines] = splitLines(text.replace(/^\ufeff/, ''));
  if (!header)
    throw new ServiceError('invalid_request', 'the CSV text is empty; a line with the names of the columns is needed');
  const names = header.fields;
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ServiceError('invalid_request', `the CSV text has the column '${twice}' twice`);
  return lines.map(({ fields, line }) => {
    if (fields.length === names.length) return Object.fromEntries(names.map((name, index) => [name, fields[index]!]));
    throw new ServiceError(
      'invalid_request',
      `line ${line} of the CSV text has ${fields.length} fields; its header has ${names.length}`,
    );
  });
}

interface Line {
  readonly fields: readonly string[];
  readonly line: number;
}

/** A quoted field, or what has no quotes; then what ends it. */
const field = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n|$)/y;

function splitLines(text: string): Line[] {
  const lines: Line[] = [];
  let fields: string[] = [];
  let line = 1;
  let begun = 1;
  field.lastIndex = 0;
  while (field.lastIndex < text.length || fields.length > 0) {
    const found = field.exec(text);
    if (!found) throw new ServiceError('invalid_request', `line ${line} of the CSV text has a quote that does not end`);
    const [whole, quoted, plain = '', end] = found;
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    line += whole.split('\n').length - 1;
    if (end === ',') continue;
    if (fields.length > 1 || fields[0] !== '' || quoted !== undefined) lines.push({ fields, line: begun });
    fields = [];
    begun = line;
  }
  return lines;
}
