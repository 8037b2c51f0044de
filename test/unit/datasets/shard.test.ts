import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PreparedRecord } from '../../../functions/datasets/prepared-record.ts';
import { encodeRecord, readShard, type ShardFormat, shardEnd } from '../../../functions/datasets/shard.ts';

async function* inPieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function roundTrip(records: readonly PreparedRecord[], format: ShardFormat, size: number) {
  const bytes = Buffer.concat([...records.map((record) => encodeRecord(record, format)), shardEnd(format)]);
  return { bytes, read: await Array.fromAsync(readShard(`x.${format}`, inPieces(bytes, size))) };
}

const id = (index: number) => String(index).padStart(24, '0');

test('texts, rows and files come out of a shard as they went in, whatever the pieces', async () => {
  const texts: PreparedRecord[] = [
    { id: id(1), inputs: 'a line\nand another — 🐈', label: 'cat', source: 'raw/a/b.jsonl line 1' },
    { id: id(2), inputs: { a: 1, b: null, c: 'x' }, label: 0.5, group: 'p1', source: 's' },
    { id: id(3), inputs: '', label: ['a', 'b'], source: 's', augmentedFrom: id(1) },
  ];
  const box = { xmin: 0, ymin: 1, xmax: 2, ymax: 3 };
  const files: PreparedRecord[] = [
    { id: id(4), inputs: Buffer.from('GIF89a…'), label: [{ label: 'cat', box }], source: 's' },
    { id: id(5), inputs: Buffer.alloc(0), source: 's' },
    { id: id(6), inputs: Buffer.alloc(2000, 1), label: 'x', source: '../\u0000 é' },
  ];
  for (const size of [1, 7, 512, 1e6]) {
    assert.deepEqual((await roundTrip(texts, 'jsonl', size)).read, texts);
    assert.deepEqual((await roundTrip(files, 'tar', size)).read, files);
  }
});

test('a shard that is cut off or none at all is refused with its key, and no stack', async () => {
  const files = [{ id: id(1), inputs: Buffer.alloc(3000, 1), source: 's' }];
  const { bytes } = await roundTrip(files, 'tar', 100);
  for (const [key, bad] of [
    ['x.tar', bytes.subarray(0, 1000)],
    ['x.tar', bytes.subarray(0, 3584)],
    ['x.tar', Buffer.alloc(1024, 7)],
    ['x.jsonl', Buffer.from('{"id":1}\n')],
    ['x.jsonl', Buffer.from('no JSON')],
  ] as const) {
    const reading = Array.fromAsync(readShard(key, inPieces(bad, 100)));
    await assert.rejects(reading, { code: 'invalid_request', message: `'${key}' is no shard of a prepared data set` });
  }
});
