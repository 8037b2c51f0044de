import { Readable } from 'node:stream';
import { type Info, parse } from 'csv-parse';
import { parse as parseAtOnce } from 'csv-parse/sync';
import { maxLineBytes } from '../split-lines.ts';
import { Dropped } from './unit.ts';

/** What the first line of a CSV file says, and where its rows begin. */
export interface CsvHead {
  readonly columns: readonly string[];
  readonly delimiter: string;
  readonly bytes: number;
}

const delimiters = [',', ';', '\t', '|'] as const;
const quote = 0x22;
const newline = 0x0a;

/** Bytes in which the line with the names of the columns must end. */
export const csvHeadBytes = 2 ** 20;

/** Reads the names of the columns; the delimiter is the one that the line has most of. Throws Dropped. */
export function readCsvHead(start: Buffer): CsvHead {
  const begin = start.subarray(0, 3).equals(Buffer.of(0xef, 0xbb, 0xbf)) ? 3 : 0;
  const bytes = recordEnds(start.subarray(begin), delimiters[0], 1)[0];
  const end = bytes === undefined ? start.length : begin + bytes;
  const line = start.toString('utf8', begin, end);
  if (line.trim() === '') throw new Dropped('broken-row', 'a line with the names of the columns is needed');
  const count = (delimiter: string) => line.split(delimiter).length;
  const delimiter = delimiters.reduce((best, one) => (count(one) > count(best) ? one : best));
  const columns = parseHead(line, delimiter);
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined) throw new Dropped('broken-row', `the column '${twice}' is there twice`);
  return { columns, delimiter, bytes: end };
}

function parseHead(line: string, delimiter: string): string[] {
  try {
    const [columns = []] = parseAtOnce(line, { delimiter, relax_quotes: true, trim: true });
    return columns.map(String);
  } catch (cause) {
    throw new Dropped('broken-row', `the names of the columns cannot be read: ${(cause as Error).message}`, cause);
  }
}

/** Where records end in `bytes`, at most `most` of them: at line ends that lie in no quoted field. */
export function recordEnds(bytes: Buffer, delimiter: string, most = Number.POSITIVE_INFINITY): number[] {
  const ends: number[] = [];
  const scanner = createRecordScanner(delimiter);
  scanner(bytes, (end) => {
    ends.push(end);
    return ends.length < most;
  });
  return ends;
}

/** Finds ends of records in bytes that come in chunks; `onEnd` gets the place behind an end and says whether to go on. */
export function createRecordScanner(delimiter: string): (chunk: Buffer, onEnd: (end: number) => boolean) => void {
  const separator = delimiter.charCodeAt(0);
  let quoted = false;
  let fieldStart = true;
  return (chunk, onEnd) => {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (quoted) {
        const end = chunk.indexOf(quote, at);
        if (end < 0) return;
        // A doubled quote ends the field and opens it again at once.
        quoted = false;
        fieldStart = true;
        at = end;
      } else if (byte === quote && fieldStart) {
        quoted = true;
      } else if (byte === newline) {
        fieldStart = true;
        if (!onEnd(at + 1)) return;
      } else {
        fieldStart = byte === separator;
      }
    }
  };
}

/** A row, and its number from `first` on; a row of the wrong length is Dropped. */
export interface NumberedRow {
  readonly number: number;
  readonly row: Readonly<Record<string, unknown>> | Dropped;
}

/** The rows of CSV (RFC 4180, also with lone quotes inside a field) behind the line with the names. */
export async function* readCsvRows(
  chunks: AsyncIterable<Uint8Array>,
  { columns, delimiter }: Pick<CsvHead, 'columns' | 'delimiter'>,
  first: number,
): AsyncGenerator<NumberedRow> {
  const options = {
    delimiter,
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: maxLineBytes,
  };
  const input = Readable.from(chunks, { objectMode: false });
  const parser = parse(options);
  input.once('error', (error) => parser.destroy(error));
  let number = first;
  try {
    for await (const fields of input.pipe(parser) as AsyncIterable<string[]>) {
      yield { number, row: toRow(fields, columns) };
      number++;
    }
  } catch (error) {
    if (!isCsvError(error)) throw error;
    yield { number, row: new Dropped('broken-row', `the rest cannot be read: ${error.message.slice(0, 200)}`) };
  } finally {
    input.destroy();
    parser.destroy();
  }
}

function toRow(fields: readonly string[], columns: readonly string[]): Record<string, string> | Dropped {
  if (fields.length !== columns.length) {
    return new Dropped('broken-row', `the row has ${fields.length} fields; the header has ${columns.length}`);
  }
  if (fields.some((field) => field.includes('\ufffd'))) return new Dropped('undecodable', 'the row is not UTF-8');
  return Object.fromEntries(columns.map((name, index) => [name, fields[index]!]));
}

function isCsvError(error: unknown): error is Error & Partial<Info> {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_');
}
