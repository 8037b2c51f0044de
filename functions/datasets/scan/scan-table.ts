import { createRecordScanner, csvHeadBytes, readCsvHead } from '../read/csv-rows.ts';
import { type DataFile, isReadError, type ReadEffects, readRange, streamRange } from '../read/data-range.ts';
import { maxRowGroupBytes, parquetFile, readParquetMetadata } from '../read/parquet-rows.ts';
import { Dropped, type RowsUnit, type Unit } from '../read/unit.ts';

/** Bytes of a table that one worker reads. */
const unitBytes = 8 * 2 ** 20;
/** A record that does not end within these is none. */
const maxUnitBytes = 64 * 2 ** 20;
/** Rows of Parquet that one worker reads: they are held at once, with what they become. */
const unitRows = 50_000;

export interface Table extends DataFile {
  readonly source: string;
  readonly size: number;
  readonly format: 'jsonl' | 'csv' | 'parquet';
}

/** The units of a table. What cannot be read of it is a unit that says so. */
export async function* scanTable(table: Table, effects: ReadEffects): AsyncGenerator<Unit> {
  try {
    if (table.format === 'parquet') yield* scanParquet(table, effects);
    else yield* scanText(table, effects);
  } catch (error) {
    if (error instanceof Dropped) yield refusedUnit(table, error.reason, error.message);
    else throw error;
  }
}

function refusedUnit({ source }: Table, reason: Dropped['reason'], detail: string): Unit {
  return { kind: 'refused', source, refused: { reason, detail } };
}

async function* scanText({ key, etag, source, format, size }: Table, effects: ReadEffects): AsyncGenerator<RowsUnit> {
  const file = { key, etag };
  const head =
    format === 'csv' ? readCsvHead(await readRange(file, effects, 0, Math.min(size, csvHeadBytes))) : undefined;
  const unit = {
    ...({ kind: 'rows', format, ...file, source } as const),
    ...(head && { columns: [...head.columns], delimiter: head.delimiter }),
  };
  const begin = head?.bytes ?? 0;
  let [start, first, records] = [begin, 1, 0];
  for await (const { ends, isLast } of endsOf(streamRange(file, effects, begin), begin, head?.delimiter)) {
    for (const end of ends) {
      records += 1;
      if (end - start < unitBytes && !isLast) continue;
      if (end - start > maxUnitBytes)
        throw new Dropped('broken-row', `a row behind row ${first + records} does not end`);
      if (end > start) yield { ...unit, start, end, first };
      [start, first, records] = [end, first + records, 0];
    }
  }
}

/** Where records end, chunk by chunk; the last place is the end of all, whether a record ends there or not. */
async function* endsOf(chunks: AsyncIterable<Buffer>, begin: number, delimiter: string | undefined) {
  const scanner = delimiter === undefined ? scanLines : createRecordScanner(delimiter);
  let position = begin;
  for await (const chunk of chunks) {
    const ends: number[] = [];
    scanner(chunk, (end) => ends.push(position + end) > 0);
    position += chunk.length;
    yield { ends, isLast: false };
  }
  yield { ends: [position], isLast: true };
}

function scanLines(chunk: Buffer, onEnd: (end: number) => boolean): void {
  for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, at + 1)) if (!onEnd(at + 1)) return;
}

async function* scanParquet({ key, etag, source, size }: Table, effects: ReadEffects): AsyncGenerator<RowsUnit> {
  const read = (start: number, end: number) => readRange({ key, etag }, effects, start, end);
  const metadata = await readParquetMetadata(parquetFile(size, read)).catch((error: unknown) => {
    if (isReadError(error)) throw error;
    throw new Dropped('undecodable', `the table cannot be read: ${(error as Error).message.slice(0, 200)}`, error);
  });
  let first = 0;
  for (const { num_rows, total_byte_size } of metadata.row_groups) {
    const [rows, bytes] = [Number(num_rows), Number(total_byte_size)];
    if (bytes > maxRowGroupBytes) {
      const allowed = `${maxRowGroupBytes} are allowed: write it with smaller row groups`;
      throw new Dropped('too-large', `a row group of the table has ${bytes} bytes; ${allowed}`);
    }
    const step = Math.max(1, Math.min(unitRows, Math.floor(rows / Math.ceil(bytes / (2 * unitBytes) || 1))));
    for (let row = 0; row < rows; row += step) {
      const [start, end] = [first + row, first + Math.min(rows, row + step)];
      yield { kind: 'rows', format: 'parquet', key, etag, source, start, end, first: start + 1, size };
    }
    first += rows;
  }
}
