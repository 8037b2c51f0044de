import type { DatasetDefinition } from '../dataset-definition.ts';
import { compareBy, keptRecords, type RecordTable } from './record-table.ts';
import { splitGroups } from './split-groups.ts';

/** Number of each record's split; what is dropped has none that counts. */
export type Splits = Uint8Array;

/**
 * Gives each record that is kept a split. Records that say theirs get it; groups stay together; the others are dealt out in the
 * order of their digests, class by class, so that every split has its share of the whole to within a record, and of each class to within two.
 */
export function splitRecords(table: RecordTable, definition: DatasetDefinition): Splits {
  const { fractions, stratify } = definition.split;
  const shares = Object.values(fractions);
  const splits = new Uint8Array(table.count);
  const open: number[] = [];
  let hasGroups = false;
  for (const record of keptRecords(table)) {
    const given = table.given[record]!;
    if (given > 0) splits[record] = given - 1;
    else open.push(record);
    hasGroups ||= (table.groups[2 * record]! | table.groups[2 * record + 1]!) !== 0;
  }
  const records = Uint32Array.from(open);
  if (hasGroups) splitGroups(table, records, { shares, stratify }, splits);
  else dealOut(table, records, { shares, stratify }, splits);
  return splits;
}

export interface Shares {
  readonly shares: readonly number[];
  readonly stratify: boolean;
}

/** Each record to the split that lacks most, by records in order of class and digest. */
function dealOut(
  { classes, ids }: RecordTable,
  records: Uint32Array,
  { shares, stratify }: Shares,
  splits: Splits,
): void {
  records.sort((a, b) => (stratify && classes[a]! - classes[b]!) || compareBy(ids, 3, a, b));
  const given = shares.map(() => 0);
  for (const [at, record] of records.entries()) {
    let most = 0;
    let lacking = Number.NEGATIVE_INFINITY;
    for (const [split, share] of shares.entries()) {
      const lacks = share * (at + 1) - given[split]!;
      if (share > 0 && lacks > lacking + 1e-9) [most, lacking] = [split, lacks];
    }
    given[most] = given[most]! + 1;
    splits[record] = most;
  }
}
