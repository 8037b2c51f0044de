import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { TooLarge } from '../../archives/inflate.ts';
import type { NumberedRow } from './csv-rows.ts';

/** Most bytes of a row group without compression: its columns are read as a whole. */
export const maxRowGroupBytes = 512 * 2 ** 20;
/** Most bytes of one page, whatever its header says. */
const maxPageBytes = 256 * 2 ** 20;

const bounded: typeof compressors = Object.fromEntries(
  Object.entries(compressors).map(([name, decompress]) => [
    name,
    (input: Uint8Array, outputLength: number) => {
      if (outputLength > maxPageBytes) throw new TooLarge(`a page of ${outputLength} bytes is too large`);
      return decompress!(input, outputLength);
    },
  ]),
);

/** A file of Parquet of which ranges can be read. */
export function parquetFile(byteLength: number, read: (start: number, end: number) => Promise<Buffer>): AsyncBuffer {
  return {
    byteLength,
    slice: async (start, end = byteLength) => {
      const bytes = await read(start, end);
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    },
  };
}

/** What the footer says. Throws an Error where the file is none of Parquet. */
export async function readParquetMetadata(file: AsyncBuffer): Promise<FileMetaData> {
  if (file.byteLength < 12) throw new Error('the file is too short for Parquet');
  return await parquetMetadataAsync(file);
}

/** The rows from `start` to before `end`; the first row of the file has the number 1. */
export async function* readParquetRows(file: AsyncBuffer, start: number, end: number): AsyncGenerator<NumberedRow> {
  const metadata = await readParquetMetadata(file);
  const options = { file, metadata, rowStart: start, rowEnd: end, compressors: bounded, utf8: false };
  const rows = await parquetReadObjects({ ...options, useOffsetIndex: true });
  for (const [index, row] of rows.entries()) {
    const values = Object.entries(row).map(([name, value]) => [name, toValue(value)]);
    yield { number: start + index + 1, row: Object.fromEntries(values) };
  }
}

/** Parquet's values as JSON has them; bytes stay bytes. */
function toValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value ?? null;
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, toValue);
  if (Array.isArray(value)) return value.map(toValue);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, toValue(inner)]));
}
