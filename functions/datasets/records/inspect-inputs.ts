import { fileInput } from '../../tasks/file-input.ts';
import type { DatasetDefinition } from '../dataset-definition.ts';
import type { PreparedRecord } from '../prepared-record.ts';
import type { FoundRecord } from '../read/found-record.ts';
import { Dropped } from '../read/unit.ts';
import { type RecordKind, taskRecords } from '../record-kinds.ts';
import { digestOf, type Inspected, inspectFile } from './inspect-file.ts';
import { canonicalRow, known, numbersOf, toRow } from './inspect-row.ts';
import { cleanText, decodeText, measureText } from './inspect-text.ts';

/** The column of a row that is the record's text or file, by custom. */
const columns: Readonly<Record<Exclude<RecordKind, 'row'>, string>> = {
  picture: 'image',
  sound: 'audio',
  video: 'video',
  file: 'file',
  text: 'text',
};

/** What a model is given of a record. Throws Dropped. */
export async function inspectInputs(
  found: FoundRecord,
  definition: DatasetDefinition,
): Promise<Inspected<PreparedRecord['inputs']>> {
  const kind = taskRecords[definition.task].record;
  if (kind === 'row') return inspectRow(found, definition);
  if (kind === 'text') return inspectText(found, definition);
  const bytes = found.file?.bytes ?? readBytes(found, definition, kind);
  if (bytes.length === 0) throw new Dropped('empty', 'the file is empty');
  return await inspectFile[kind](bytes, definition);
}

function inspectRow(found: FoundRecord, definition: DatasetDefinition): Inspected<PreparedRecord['inputs']> {
  if (!found.row) throw new Dropped('no-inputs', 'a file is no row: CSV, JSONL or Parquet is needed');
  const row = toRow(found.row, definition);
  return { inputs: row, digest: digestOf('row\n', canonicalRow(row)), measures: numbersOf(row) };
}

function inspectText(found: FoundRecord, definition: DatasetDefinition): Inspected<string> {
  const text = cleanText(readText(found, definition), definition.clean);
  if (text.trim() === '') throw new Dropped('empty', 'the text is empty');
  return { inputs: text, digest: digestOf('text\n', text), measures: measureText(text) };
}

function readText({ file, row = {} }: FoundRecord, { inputs }: DatasetDefinition): string {
  if (file) return decodeText(file.bytes);
  const column = inputs.column ?? columns.text;
  const value = row[column];
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value instanceof Uint8Array) return decodeText(value);
  throw new Dropped('no-inputs', noColumn(column, 'text', row));
}

/** Bytes in a column: as Parquet has them, as Hugging Face's data sets have them (`{ bytes, path }`), or in base64. */
function readBytes({ row = {} }: FoundRecord, { inputs }: DatasetDefinition, kind: Exclude<RecordKind, 'row'>) {
  const column = inputs.column ?? columns[kind];
  const value = row[column];
  const inner = typeof value === 'object' && value !== null && 'bytes' in value ? value.bytes : value;
  const parsed = fileInput('a file').safeParse(inner);
  if (parsed.success) return parsed.data;
  throw new Dropped('no-inputs', noColumn(column, 'file (bytes, or these in base64)', row));
}

function noColumn(column: string, what: string, row: Readonly<Record<string, unknown>>): string {
  return Object.hasOwn(row, column)
    ? `the column '${column}' has no ${what}`
    : `the row has no column '${column}'${known(row)}`;
}
