import { compareBy, type RecordTable } from './record-table.ts';
import type { Shares, Splits } from './split.ts';

/** Records of one group: where they begin in the order by groups, and where they end. */
interface Group {
  readonly from: number;
  readonly to: number;
}

/**
 * Gives each group as a whole to the split where it brings the counts of its classes nearest to what they should be, the largest
 * groups first. A record without a group is one by itself.
 */
export function splitGroups(table: RecordTable, records: Uint32Array, options: Shares, splits: Splits): void {
  const { groups, ids } = table;
  const hasGroup = (record: number) => (groups[2 * record]! | groups[2 * record + 1]!) !== 0;
  const sorted = records.sort((a, b) => {
    const byGroup = compareWords(groups, a, b);
    return byGroup || compareBy(ids, 3, a, b);
  });
  const found: Group[] = [];
  for (let from = 0, to = 0; from < sorted.length; from = to) {
    const first = sorted[from]!;
    for (to = from + 1; hasGroup(first) && to < sorted.length && compareWords(groups, first, sorted[to]!) === 0; to++);
    found.push({ from, to });
  }
  // Equal sizes in the order of their digests: the sort is stable.
  found.sort((a, b) => b.to - b.from - (a.to - a.from));
  const choose = createChooser(table, sorted, options);
  for (const { from, to } of found) {
    const members = sorted.subarray(from, to);
    const split = choose(members);
    for (const record of members) splits[record] = split;
  }
}

function compareWords(column: Uint32Array, a: number, b: number): number {
  return column[2 * a]! - column[2 * b]! || column[2 * a + 1]! - column[2 * b + 1]!;
}

/** Least growth of the squared relative errors of the counts, by class; of equal ones the first split. */
function createChooser({ classes }: RecordTable, records: Uint32Array, { shares, stratify }: Shares) {
  const classOf = (record: number) => (stratify ? classes[record]! : 0);
  const totals = countBy(records, classOf);
  const assigned = shares.map(() => new Map<number, number>());
  return (members: Uint32Array): number => {
    const counts = countBy(members, classOf);
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const [split, share] of shares.entries()) {
      if (share === 0) continue;
      let growth = 0;
      for (const [name, count] of counts) {
        const target = share * totals.get(name)!;
        growth += (count * count + 2 * count * ((assigned[split]!.get(name) ?? 0) - target)) / target ** 2;
      }
      if (growth < least - 1e-12) [best, least] = [split, growth];
    }
    for (const [name, count] of counts) assigned[best]!.set(name, (assigned[best]!.get(name) ?? 0) + count);
    return best;
  };
}

function countBy(records: Uint32Array, classOf: (record: number) => number): Map<number, number> {
  const counts = new Map<number, number>();
  for (const record of records) counts.set(classOf(record), (counts.get(classOf(record)) ?? 0) + 1);
  return counts;
}
