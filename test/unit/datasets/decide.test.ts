import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDefinition } from '../../../functions/datasets/dataset-definition.ts';
import { dropDuplicates } from '../../../functions/datasets/decide/duplicates.ts';
import { dropNearDuplicates } from '../../../functions/datasets/decide/near-duplicates.ts';
import { dropOutliers } from '../../../functions/datasets/decide/outliers.ts';
import { planShards } from '../../../functions/datasets/decide/plan-shards.ts';
import {
  type Block,
  createRecordTable,
  keptRecords,
  reasonOf,
} from '../../../functions/datasets/decide/record-table.ts';
import { createSketch } from '../../../functions/datasets/decide/sketch.ts';
import { splitRecords } from '../../../functions/datasets/decide/split.ts';
import type { Facts } from '../../../functions/datasets/records/facts.ts';
import { digestOf } from '../../../functions/datasets/records/inspect-file.ts';
import { seededRandom } from '../../../functions/seeded-random.ts';

const names = ['train', 'validation', 'test'];
const idOf = (content: unknown) => digestOf(String(content)).slice(0, 24);

function tableOf(records: readonly Partial<Facts>[], measures: string[] = []) {
  const { table, add } = createRecordTable(records.length, measures, names);
  for (const [index, facts] of records.entries()) {
    add({ id: idOf(index), bytes: 10, measures: {}, ...facts }, Math.floor(index / 100), 10 * (index % 100));
  }
  return table;
}

function define(more: object) {
  return parseDefinition(Buffer.from(JSON.stringify({ task: 'image-classification', ...more })));
}

const { clean } = define({});

test('of the same content the first stays, unless the labels contradict each other', () => {
  const given = [
    ['a', '1'],
    ['b', '1'],
    ['a', '1'],
    ['c', '1'],
    ['c', '2'],
    ['b', '1'],
    ['d', undefined],
  ] as const;
  const records = given.map(([content, label]) => ({
    id: idOf(content),
    ...(label && { label: digestOf(label).slice(0, 8) }),
  }));
  const reasons = (options: object) => {
    const table = tableOf(records);
    const twins = dropDuplicates(table, { ...clean, ...options });
    return { reasons: records.map((_, record) => reasonOf(table, record) ?? ''), twins: [...twins] };
  };
  const [same, other] = ['duplicate', 'contradicting-labels'];
  assert.deepEqual(reasons({}), { reasons: ['', '', same, other, other, same, ''], twins: [] });
  assert.deepEqual(reasons({ contradictions: false }).reasons, ['', '', same, '', same, same, '']);
  const kept = reasons({ duplicates: false, contradictions: false });
  assert.deepEqual(
    kept.reasons,
    records.map(() => ''),
  );
  assert.deepEqual(
    new Map(kept.twins),
    new Map([
      [2, 1],
      [4, 1],
      [5, 1],
    ]),
  );
});

test('pictures that look alike are found as comparing each with each finds them, at any distance', () => {
  const random = seededRandom('looks');
  const word = () => Math.floor(random() * 2 ** 32);
  const looks: [number, number][] = [];
  for (let index = 0; index < 250; index++) {
    const like = looks[Math.floor(random() * looks.length)];
    const look: [number, number] = like && random() < 0.6 ? [...like] : [word(), word()];
    for (let flips = Math.floor(random() * 14); flips > 0; flips--) {
      const bit = Math.floor(random() * 64);
      look[bit >> 5] = (look[bit >> 5]! ^ (1 << (bit & 31))) >>> 0;
    }
    looks.push(look);
  }
  const hex = (bits: number) => bits.toString(16).padStart(8, '0');
  const ones = (bits: number) =>
    hex(bits >>> 0)
      .replace(/./g, (digit) => Number.parseInt(digit, 16).toString(2))
      .replaceAll('0', '').length;
  for (const distance of [0, 3, 4, 11]) {
    const table = tableOf(looks.map(([high, low]) => ({ look: hex(high) + hex(low) })));
    dropNearDuplicates(table, distance);
    const expected: number[] = [];
    for (const [index, [high, low]] of looks.entries()) {
      const isLike = (other: number) => ones(looks[other]![0] ^ high) + ones(looks[other]![1] ^ low) <= distance;
      if (!expected.some(isLike)) expected.push(index);
    }
    assert.deepEqual([...keptRecords(table)], expected, `distance ${distance}`);
  }
});

test('outliers lie outside the fences or far from the mean; records without the measure stay', () => {
  const values = [10, 11, 12, 13, 14, 15, 16, 17, 18, 100, -60];
  const dropped = (rule: object) => {
    const records = [...values.map((seconds) => ({ measures: { seconds } })), { measures: {} }];
    const table = tableOf(records, ['seconds', 'column seconds']);
    dropOutliers(table, define({ clean: { outliers: [rule] } }).clean.outliers, ['seconds']);
    return values.filter((_, record) => reasonOf(table, record) === 'outlier');
  };
  assert.deepEqual(dropped({ of: 'seconds', rule: 'iqr' }), [100, -60]);
  assert.deepEqual(dropped({ of: 'seconds', rule: 'iqr', factor: 20 }), []);
  assert.deepEqual(dropped({ of: 'seconds', rule: 'z-score', factor: 2 }), [100, -60]);
  assert.deepEqual(dropped({ of: 'price', rule: 'z-score' }), []);
});

const counted = (splits: Uint8Array, records: Iterable<number>) => {
  const counts = [0, 0, 0];
  for (const record of records) counts[splits[record]!]! += 1;
  return counts;
};

test('every split has its share of all to within a record, and of each class to within two', () => {
  const classes = ['a', 'b', 'c', 'd'];
  const random = seededRandom('classes');
  const of = Array.from({ length: 1003 }, () => classes[Math.floor(random() ** 3 * 4)]!);
  const table = tableOf(of.map((name) => ({ classes: [name] })));
  const splits = splitRecords(table, define({}));
  const near = (counts: number[], total: number, most: number) =>
    [0.8, 0.1, 0.1].every((share, split) => Math.abs(counts[split]! - share * total) <= most);
  assert.ok(near(counted(splits, of.keys()), of.length, 1));
  for (const name of classes) {
    const own = [...of.keys()].filter((record) => of[record] === name);
    assert.ok(near(counted(splits, own), own.length, 2), `${name}: ${counted(splits, own)} of ${own.length}`);
  }
  // A record's split follows from its content, not from its place.
  const order = [...of.keys()].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  const shuffled = tableOf(order.map((record) => ({ id: idOf(record), classes: [of[record]!] })));
  const [one, other] = [new Map<string, number>(), new Map<string, number>()];
  const plain = define({ split: { stratify: false } });
  for (const [record, split] of splitRecords(table, plain).entries()) one.set(idOf(record), split);
  for (const [place, split] of splitRecords(shuffled, plain).entries()) other.set(idOf(order[place]), split);
  assert.deepEqual(other, one);
});

test('no group stands in two splits, each split has its part, and what says where it stands is put there', () => {
  const random = seededRandom('groups');
  const speakers = Array.from({ length: 600 }, () => `speaker ${Math.floor(random() * 30)}`);
  const group = (name: string) => ({ group: digestOf(name).slice(0, 16) });
  const records = speakers.map((name, index) => ({ ...group(name), classes: [String(index % 5)] }));
  const splits = splitRecords(tableOf(records), define({}));
  for (const name of new Set(speakers)) {
    const own = [...speakers.keys()].filter((record) => speakers[record] === name);
    assert.equal(counted(splits, own).filter((count) => count > 0).length, 1, name);
  }
  const [train, ...others] = counted(splits, speakers.keys());
  assert.ok(train! > 400 && train! < 520 && others.every((count) => count > 30 && count < 120), `${train} ${others}`);
  const six = splitRecords(tableOf(Array.from({ length: 60 }, (_, index) => group(`${index % 6}`))), define({}));
  assert.deepEqual(counted(six, Array(60).keys()), [40, 10, 10]);
  const given = splitRecords(tableOf([{ split: 'test' }, { split: 'test' }, {}, {}]), define({}));
  assert.deepEqual([...given], [2, 2, 0, 0]);
  assert.throws(() => tableOf([{ split: 'dev' }]), /split 'dev'; split\.fractions has train, validation, test/);
});

test('every record that is kept stands in one shard of its split, far parts of the data set together, twins apart', () => {
  const records = Array.from({ length: 4000 }, (_, index) => ({ id: idOf(index % 3990) }));
  const table = tableOf(records);
  const blocks = Array.from({ length: 40 }, (_, block): Block => ({ path: `${block}.jsonl`, records: 100 }));
  const twins = dropDuplicates(table, { ...clean, duplicates: false });
  for (let record = 0; record < 4000; record += 7) table.reasons[record] = 1;
  const splits = splitRecords(table, define({}));
  const plans = [...planShards({ table, blocks, splits, names, twins, copies: 1 })];
  const seen = new Map<number, string>();
  for (const { split, pieces } of plans) {
    let count = 0;
    for (const { path, start, end, take } of pieces) {
      const first = Number.parseInt(path, 10) * 100 + start / 10;
      for (const place of take) {
        const [offset, twin] = [place].flat() as [number, number?];
        assert.ok(start + 10 * offset < end && !seen.has(first + offset));
        assert.equal(twin, twins.get(first + offset));
        seen.set(first + offset, split);
        count += split === 'train' ? 2 : 1;
      }
    }
    assert.ok(count <= 1000);
    if (split === 'train' && count === 1000) assert.ok(new Set(pieces.map(({ path }) => path)).size >= 10, 'mixed');
  }
  const expected = [...keptRecords(table)].map((record) => [record, names[splits[record]!]] as const);
  assert.deepEqual(new Map([...seen].sort(([a], [b]) => a - b)), new Map(expected));
});

test('a sketch gives exact moments, and quantiles to one percent', () => {
  const random = seededRandom('sketch');
  const values = Array.from({ length: 20_000 }, () => (random() - 0.3) * 10 ** (random() * 6));
  const sketch = createSketch();
  for (const value of values) sketch.add(value);
  const { count, missing, mean, std, min, max, quantiles, histogram } = sketch.summary(20_005)!;
  const sorted = values.toSorted((a, b) => a - b);
  const exact = values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.deepEqual([count, missing, min, max], [20_000, 5, sorted[0], sorted.at(-1)]);
  assert.ok(Math.abs(mean - exact) < 1e-6 * Math.abs(exact));
  const variance = values.reduce((sum, value) => sum + (value - exact) ** 2, 0) / values.length;
  assert.ok(Math.abs(std ** 2 / variance - 1) < 1e-9);
  for (const [name, share] of [
    ['p5', 0.05],
    ['p50', 0.5],
    ['p95', 0.95],
  ] as const) {
    const right = sorted[Math.floor(share * 19_999)]!;
    assert.ok(Math.abs(quantiles[name] / right - 1) < 0.011, `${name} ${quantiles[name]} ${right}`);
  }
  assert.equal(
    histogram.reduce((sum, size) => sum + size, 0),
    20_000,
  );
  assert.equal(createSketch().summary(3), undefined);
});
