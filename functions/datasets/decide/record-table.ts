import { ServiceError } from '../../errors.ts';
import { type DropReason, dropReasons } from '../read/unit.ts';
import type { Facts } from '../records/facts.ts';

/** More classes than these are a sign that a column of something else was taken for the label. */
const maxClasses = 10_000;

/** Some thousand records that lie in one object, one behind the other. */
export interface Block {
  /** Of the records; the facts lie beside them. */
  readonly path: string;
  readonly records: number;
}

/**
 * What the decisions need of every record, in columns of numbers: about 60 bytes a record, so that a million fit. Digests of 96
 * bits are three numbers of `ids` each, those of 64 bits two.
 */
export interface RecordTable {
  readonly count: number;
  readonly ids: Uint32Array;
  readonly groups: Uint32Array;
  readonly looks: Uint32Array;
  readonly labels: Uint32Array;
  /** Number of the first class of a record's label, from 1; 0: it has none. */
  readonly classes: Uint32Array;
  /** Number of the split that the record says to stand in, from 1; 0: it says none. */
  readonly given: Uint8Array;
  readonly block: Uint32Array;
  /** Where the record lies in its block. */
  readonly start: Uint32Array;
  readonly bytes: Uint32Array;
  /** By measure, those that rules ask for; NaN where a record has none. */
  readonly measures: ReadonlyMap<string, Float64Array>;
  /** Number of the reason for which a record is dropped, from 1; 0: it is kept. */
  readonly reasons: Uint8Array;
}

export interface TableBuilder {
  readonly table: RecordTable;
  add(facts: Facts, block: number, start: number): void;
}

export function createRecordTable(count: number, measures: readonly string[], splits: readonly string[]): TableBuilder {
  const classNumbers = new Map<string, number>();
  const table = {
    count,
    ids: new Uint32Array(3 * count),
    groups: new Uint32Array(2 * count),
    looks: new Uint32Array(2 * count),
    labels: new Uint32Array(count),
    classes: new Uint32Array(count),
    given: new Uint8Array(count),
    block: new Uint32Array(count),
    start: new Uint32Array(count),
    bytes: new Uint32Array(count),
    measures: new Map(measures.map((name) => [name, new Float64Array(count).fill(Number.NaN)])),
    reasons: new Uint8Array(count),
  };
  const numberOf = (name: string): number => {
    const known = classNumbers.get(name) ?? classNumbers.size + 1;
    classNumbers.set(name, known);
    if (known <= maxClasses) return known;
    throw new ServiceError(
      'invalid_request',
      `the labels have more than ${maxClasses} different classes, such as '${name.slice(0, 60)}': is the label where dataset.json says?`,
    );
  };
  let at = 0;
  const add = (facts: Facts, block: number, start: number) => {
    writeHex(table.ids, 3 * at, facts.id, 3);
    writeHex(table.groups, 2 * at, facts.group, 2);
    writeHex(table.looks, 2 * at, facts.look, 2);
    writeHex(table.labels, at, facts.label, 1);
    for (const name of facts.classes ?? []) numberOf(name);
    table.classes[at] = facts.classes?.[0] === undefined ? 0 : numberOf(facts.classes[0]);
    table.given[at] = facts.split === undefined ? 0 : splitNumber(facts.split, splits);
    [table.block[at], table.start[at], table.bytes[at]] = [block, start, facts.bytes];
    for (const [name, values] of table.measures) values[at] = facts.measures[name] ?? Number.NaN;
    at += 1;
  };
  return { table, add };
}

function splitNumber(split: string, splits: readonly string[]): number {
  const index = splits.indexOf(split);
  if (index >= 0) return index + 1;
  throw new ServiceError(
    'invalid_request',
    `a record says that it stands in the split '${split.slice(0, 60)}'; split.fractions has ${splits.join(', ')} (a share may be 0)`,
  );
}

function writeHex(to: Uint32Array, at: number, digits: string | undefined, words: number): void {
  if (digits === undefined) return;
  for (let word = 0; word < words; word++) to[at + word] = Number.parseInt(digits.slice(8 * word, 8 * word + 8), 16);
}

export function drop(table: RecordTable, record: number, reason: DropReason): void {
  table.reasons[record] = dropReasons.indexOf(reason) + 1;
}

export function reasonOf({ reasons }: RecordTable, record: number): DropReason | undefined {
  return dropReasons[reasons[record]! - 1];
}

/** Records that are kept so far, in the order of what they came from. */
export function keptRecords({ count, reasons }: RecordTable): Uint32Array {
  const kept = new Uint32Array(count);
  let length = 0;
  for (let record = 0; record < count; record++) if (reasons[record] === 0) kept[length++] = record;
  return kept.subarray(0, length);
}

/** Which of two comes first by `words` numbers of each in `column`; equal ones by their own order. */
export function compareBy(column: Uint32Array, words: number, a: number, b: number): number {
  for (let word = 0; word < words; word++) {
    const difference = column[words * a + word]! - column[words * b + word]!;
    if (difference !== 0) return difference;
  }
  return a - b;
}
