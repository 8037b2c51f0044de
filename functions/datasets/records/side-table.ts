import { ServiceError } from '../../errors.ts';
import type { Services } from '../../services.ts';
import { rawKey } from '../../storage/object-keys.ts';
import type { DatasetDefinition, Place } from '../dataset-definition.ts';
import { csvHeadBytes, type NumberedRow, readCsvHead, readCsvRows } from '../read/csv-rows.ts';
import { readRange, streamRange } from '../read/data-range.ts';
import { readJsonlRows } from '../read/jsonl-rows.ts';
import { Dropped, type Unit } from '../read/unit.ts';

type TablePlace = Extract<Place, { from: 'table' }>;
export type SideTable = ReadonlyMap<string, unknown>;

/** The names by which a table may mean a file: its path, its name, its name without the ending. */
export function namesOf(path: string): string[] {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return [path, name, name.replace(/\.[^.]*$/, '')];
}

/** For each place of the definition that is a table: what it says of the files of `unit`, and of no others. */
export async function readSideTables(
  definition: DatasetDefinition,
  dataset: string,
  unit: Unit,
  effects: Pick<Services, 'streamData' | 'findData'>,
): Promise<ReadonlyMap<Place, SideTable>> {
  const tables = new Map<Place, SideTable>();
  if (unit.kind !== 'files') return tables;
  const wanted = new Set(unit.members.flatMap(({ path }) => namesOf(path)));
  for (const place of [definition.label, definition.group, definition.split.given]) {
    if (place?.from === 'table') tables.set(place, await readTable(place, dataset, wanted, effects));
  }
  return tables;
}

async function readTable(
  place: TablePlace,
  dataset: string,
  wanted: ReadonlySet<string>,
  effects: Pick<Services, 'streamData' | 'findData'>,
): Promise<SideTable> {
  const found = new Map<string, unknown>();
  for await (const { row } of openRows(place.file, dataset, effects)) {
    if (row instanceof Dropped) continue;
    const name = String(row[place.name] ?? '').replace(/^\.?\//, '');
    if (wanted.has(name)) found.set(name, row[place.column]);
  }
  return found;
}

async function* openRows(
  path: string,
  dataset: string,
  effects: Pick<Services, 'streamData' | 'findData'>,
): AsyncGenerator<NumberedRow> {
  const key = rawKey(dataset, path);
  const object = await effects.findData(key);
  if (!object) throw new ServiceError('invalid_request', `dataset.json names '${path}', which was not uploaded`);
  const file = { key, etag: object.etag };
  if (/\.(?:jsonl|ndjson)$/i.test(path)) return yield* readJsonlRows(streamRange(file, effects), 1);
  try {
    const head = readCsvHead(await readRange(file, effects, 0, Math.min(object.size, csvHeadBytes)));
    yield* readCsvRows(streamRange(file, effects, head.bytes), head, 1);
  } catch (error) {
    if (!(error instanceof Dropped)) throw error;
    throw new ServiceError('invalid_request', `'${path}' cannot be read: ${error.message}`, { cause: error });
  }
}
