import assert from 'node:assert/strict';
import { test } from 'node:test';
import { largestDifference } from '../../../functions/registry/compare-outputs.ts';

test('the largest of several differences is told, with its place', () => {
  const expected = [
    { label: 'a', score: 0.5 },
    { label: 'b', score: 0.25 },
  ];
  const computed = [
    { label: 'a', score: 0.625 },
    { label: 'b', score: 0.75 },
  ];
  assert.deepEqual(largestDifference(expected, computed), {
    path: '[1].score',
    size: 0.5,
    expected: 0.25,
    computed: 0.75,
  });
});

test('another label, a missing member, another length, NaN and another kind are infinitely far', () => {
  for (const [expected, computed, path] of [
    [[{ label: 'a' }], [{ label: 'b' }], '[0].label'],
    [{ a: { b: 1 } }, { a: {} }, 'a.b'],
    [[1, 2], [1], ''],
    [{ x: 1 }, { x: Number.NaN }, 'x'],
    [{ x: 1 }, { x: '1' }, 'x'],
    [{ x: [] }, { x: {} }, 'x'],
    [null, {}, ''],
    [{ constructor: 1 }, {}, 'constructor'],
  ] as const) {
    const difference = largestDifference(expected, computed);
    assert.deepEqual([difference?.path, difference?.size], [path, Number.POSITIVE_INFINITY]);
  }
});

test('equal values differ by nothing, and members that only the answer has are passed over', () => {
  assert.equal(largestDifference({ a: [1, null, 'x', true] }, { a: [1, null, 'x', true], b: 2 }), undefined);
});
