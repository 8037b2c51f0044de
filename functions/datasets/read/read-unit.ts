import { gunzipStream } from '../../archives/inflate.ts';
import type { FileRole } from './classify-path.ts';
import { csvHeadBytes, type NumberedRow, readCsvHead, readCsvRows } from './csv-rows.ts';
import { isReadError, type ReadEffects, readRange, streamRange } from './data-range.ts';
import type { FoundRecord, RefusedRecord } from './found-record.ts';
import { readJsonlRows } from './jsonl-rows.ts';
import { parquetFile, readParquetRows } from './parquet-rows.ts';
import { type OpenedMember, openMembers } from './read-members.ts';
import { Dropped, type FilesUnit, type RowsUnit, type Unit } from './unit.ts';

/** Most bytes that a compressed table inside an archive may become. */
const maxTableBytes = 20 * 2 ** 30;

type Found = FoundRecord | RefusedRecord;

/** The records of a unit in their order, one at a time. `classify`: pathClassifier of the definition. */
export async function* readUnit(
  unit: Unit,
  classify: (path: string) => FileRole,
  effects: ReadEffects,
): AsyncGenerator<Found> {
  if (unit.kind === 'refused') {
    yield { source: unit.source, dropped: new Dropped(unit.refused.reason, unit.refused.detail) };
  } else if (unit.kind === 'rows') yield* withSource(unit.source, readRows(unit, effects));
  else yield* readFiles(unit, classify, effects);
}

async function* readRows(unit: RowsUnit, effects: ReadEffects): AsyncGenerator<NumberedRow> {
  const { format, start, end, first } = unit;
  if (format === 'parquet') {
    const read = (from: number, to: number) => readRange(unit, effects, from, to);
    try {
      yield* readParquetRows(parquetFile(unit.size!, read), start, end);
    } catch (error) {
      yield { number: first, row: asDropped(error) };
    }
    return;
  }
  const chunks = streamRange(unit, effects, start, end);
  if (format === 'jsonl') yield* readJsonlRows(chunks, first);
  else yield* readCsvRows(chunks, { columns: unit.columns!, delimiter: unit.delimiter! }, first);
}

/** A table that cannot be read is one record that is dropped; errors on the way to it are none of the table's. */
function asDropped(error: unknown): Dropped {
  if (error instanceof Dropped) return error;
  if (isReadError(error)) throw error;
  return new Dropped('undecodable', `the table cannot be read: ${(error as Error).message.slice(0, 200)}`, error);
}

async function* withSource(source: string, rows: AsyncIterable<NumberedRow>): AsyncGenerator<Found> {
  for await (const { number, row } of rows) {
    const place = `${source} row ${number}`;
    yield row instanceof Dropped ? { source: place, dropped: row } : { source: place, row };
  }
}

async function* readFiles(unit: FilesUnit, classify: (path: string) => FileRole, effects: ReadEffects) {
  const sidecars = new Map<string, Uint8Array>();
  for (const member of unit.members) if (classify(member.path).role === 'sidecar') sidecars.set(member.path, empty);
  for await (const opened of openMembers({ ...unit, members: sidecarsFirst(unit.members, sidecars) }, effects)) {
    const { member } = opened;
    const source = `${unit.source}${unit.container === 'objects' ? member.path : `!${member.path}`}`;
    const role = classify(member.path);
    try {
      if (member.refused) throw new Dropped(member.refused.reason, member.refused.detail);
      if (role.role === 'sidecar') sidecars.set(member.path, await opened.read());
      else if (role.role === 'input') {
        const file = { bytes: await opened.read(), path: member.path, captures: role.captures };
        yield { source, file, sidecar: (ending) => besideOf(member.path, ending, sidecars) } satisfies FoundRecord;
      } else if (role.role === 'table') yield* withSource(source, readTable(opened, role));
      else if (role.role === 'archive')
        throw new Dropped('nested-archive', 'an archive inside an archive is not opened');
    } catch (error) {
      if (!(error instanceof Dropped)) throw error;
      yield { source, dropped: error } satisfies RefusedRecord;
    }
  }
}

const empty = new Uint8Array();

/** Members come in groups of one stem; of each group what stands beside the records is read before them. */
function sidecarsFirst(members: FilesUnit['members'], sidecars: ReadonlyMap<string, unknown>): FilesUnit['members'] {
  if (sidecars.size === 0) return members;
  const isRecord = (path: string) => (sidecars.has(path) ? 0 : 1);
  return [...members].sort((a, b) => isRecord(a.path) - isRecord(b.path));
}

function besideOf(path: string, ending: string, sidecars: ReadonlyMap<string, Uint8Array>): Uint8Array | undefined {
  return sidecars.get(path.replace(/\.[^./]*$/, '') + ending) ?? sidecars.get(path + ending);
}

async function* readTable(opened: OpenedMember, role: FileRole & { role: 'table' }): AsyncGenerator<NumberedRow> {
  if (role.format === 'parquet') {
    const bytes = await opened.read();
    const file = parquetFile(bytes.length, async (start, end) => bytes.subarray(start, end));
    try {
      yield* readParquetRows(file, 0, Number.POSITIVE_INFINITY);
    } catch (error) {
      yield { number: 1, row: asDropped(error) };
    }
    return;
  }
  const chunks = role.gzip ? gunzipStream(opened.stream(), maxTableBytes) : opened.stream();
  if (role.format === 'jsonl') return yield* readJsonlRows(chunks, 1);
  const { start, rest } = await peek(chunks, csvHeadBytes);
  const head = readCsvHead(start);
  yield* readCsvRows(joined(start.subarray(head.bytes), rest), head, 1);
}

/** The first bytes, at least `length` of them unless there are fewer, and what follows. */
async function peek(
  chunks: AsyncIterable<Buffer>,
  length: number,
): Promise<{ start: Buffer; rest: AsyncIterator<Buffer> }> {
  const rest = chunks[Symbol.asyncIterator]();
  const parts: Buffer[] = [];
  for (let bytes = 0; bytes < length; bytes += parts.at(-1)!.length) {
    const next = await rest.next();
    if (next.done) break;
    parts.push(next.value);
  }
  return { start: Buffer.concat(parts), rest };
}

async function* joined(start: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield start;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}
