import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timedCache } from '../../functions/timed-cache.ts';

function counting(options: { seconds: number; maxEntries: number; now?: () => number }) {
  const reads: string[] = [];
  const cached = timedCache(async (key: string) => {
    reads.push(key);
    if (key === 'bad') throw new Error('bad');
    return key.toUpperCase();
  }, options);
  return { reads, cached };
}

test('a value is read once until its time is over', async () => {
  let now = 0;
  const { reads, cached } = counting({ seconds: 5, maxEntries: 10, now: () => now });
  assert.deepEqual(await Promise.all([cached('a'), cached('a')]), ['A', 'A']);
  now = 4_999;
  await cached('a');
  assert.deepEqual(reads, ['a']);
  now = 5_000;
  await cached('a');
  assert.deepEqual(reads, ['a', 'a']);
});

test('a failed read is not remembered', async () => {
  const { reads, cached } = counting({ seconds: 5, maxEntries: 10 });
  await assert.rejects(cached('bad'));
  await assert.rejects(cached('bad'));
  assert.deepEqual(reads, ['bad', 'bad']);
});

test('the oldest entry leaves when the cache is full', async () => {
  const { reads, cached } = counting({ seconds: 5, maxEntries: 2 });
  for (const key of ['a', 'b', 'c', 'b', 'a']) await cached(key);
  assert.deepEqual(reads, ['a', 'b', 'c', 'a']);
});
