import { drop, keptRecords, type RecordTable } from './record-table.ts';

/** The 64 bits are looked up in parts of 16: two hashes that differ in at most t bits differ in one part by at most ⌊t/4⌋. */
const parts = 4;
const partValues = 1 << 16;

/**
 * Drops each picture that looks like an earlier one that is kept: at most `distance` bits of their hashes differ. Multi-index
 * hashing, far below comparing each with each. Source: Norouzi, Punjani, Fleet, "Fast Search in Hamming Space", CVPR 2012.
 */
export function dropNearDuplicates(table: RecordTable, distance: number): void {
  const kept = keptRecords(table);
  const { looks } = table;
  const masks = masksUpTo(Math.floor(distance / parts));
  const heads = new Int32Array(parts * partValues).fill(-1);
  const next = new Int32Array(parts * kept.length);
  const isLike = (a: number, b: number) =>
    countBits(looks[2 * a]! ^ looks[2 * b]!) + countBits(looks[2 * a + 1]! ^ looks[2 * b + 1]!) <= distance;
  const hasLike = (record: number) => {
    for (let part = 0; part < parts; part++) {
      const value = partOf(looks, record, part);
      for (const mask of masks) {
        for (let at = heads[part * partValues + (value ^ mask)]!; at >= 0; at = next[parts * at + part]!) {
          if (isLike(kept[at]!, record)) return true;
        }
      }
    }
    return false;
  };
  for (const [at, record] of kept.entries()) {
    if (hasLike(record)) {
      drop(table, record, 'near-duplicate');
      continue;
    }
    for (let part = 0; part < parts; part++) {
      const bucket = part * partValues + partOf(looks, record, part);
      next[parts * at + part] = heads[bucket]!;
      heads[bucket] = at;
    }
  }
}

function partOf(looks: Uint32Array, record: number, part: number): number {
  return (looks[2 * record + (part >> 1)]! >>> (16 * (part & 1))) & 0xffff;
}

/** All numbers of 16 bits with at most so many ones. */
function masksUpTo(bits: number): number[] {
  return Array.from({ length: partValues }, (_, mask) => mask).filter((mask) => countBits(mask) <= bits);
}

function countBits(value: number): number {
  let bits = value - ((value >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
