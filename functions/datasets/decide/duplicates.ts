import type { Clean } from '../clean/clean-schema.ts';
import { compareBy, drop, keptRecords, type RecordTable } from './record-table.ts';

/** How many records of the same content stand before a record; those have one id but for this number. */
export type Twins = ReadonlyMap<number, number>;

/**
 * Drops records of the same content: all where their labels contradict each other, else all but the first. Gives the twins that
 * stay.
 */
export function dropDuplicates(table: RecordTable, { duplicates, contradictions }: Clean): Twins {
  const { ids, labels } = table;
  const twins = new Map<number, number>();
  const sorted = keptRecords(table).sort((a, b) => compareBy(ids, 3, a, b));
  for (let from = 0, to = 0; from < sorted.length; from = to) {
    const first = sorted[from]!;
    for (to = from + 1; to < sorted.length && isSame(ids, first, sorted[to]!); to++);
    if (to - from === 1) continue;
    const run = sorted.subarray(from, to);
    if (contradictions && run.some((record) => labels[record] !== labels[first])) {
      for (const record of run) drop(table, record, 'contradicting-labels');
    } else if (duplicates) {
      for (const record of run.subarray(1)) drop(table, record, 'duplicate');
    } else {
      for (const [number, record] of run.entries()) if (number > 0) twins.set(record, number);
    }
  }
  return twins;
}

function isSame(ids: Uint32Array, a: number, b: number): boolean {
  return ids[3 * a] === ids[3 * b] && ids[3 * a + 1] === ids[3 * b + 1] && ids[3 * a + 2] === ids[3 * b + 2];
}
