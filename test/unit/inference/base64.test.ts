import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countSeparators, fromBase64, joinBase64, toBase64, writeBase64 } from '../../../functions/inference/base64.ts';

test('bytes become the base64 that Node makes of them and come back, around the ends of groups and of pieces', () => {
  for (const length of [0, 1, 2, 3, 4, 49_151, 49_152, 49_153, 98_304, 98_306, 200_000]) {
    const bytes = Buffer.from(Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) % 256));
    const text = toBase64(bytes);
    assert.equal(text.toString('latin1'), bytes.toString('base64'));
    assert.deepEqual(fromBase64(text), bytes);
    const separated = Buffer.alloc(text.length + countSeparators(length));
    assert.equal(writeBase64(bytes, separated, 0, ','), separated.length);
    assert.deepEqual(joinBase64(separated.toString('latin1').split(',')), bytes);
  }
});
