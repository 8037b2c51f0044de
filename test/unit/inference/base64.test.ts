import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base64Length, countSeparators, joinBase64, writeBase64 } from '../../../functions/inference/base64.ts';

test('bytes become the base64 that Node makes of them and come back, around the ends of groups and of pieces', () => {
  for (const length of [0, 1, 2, 3, 4, 49_151, 49_152, 49_153, 98_304, 98_306, 200_000]) {
    const bytes = Buffer.from(Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) % 256));
    const text = Buffer.alloc(base64Length(length) + countSeparators(length));
    assert.equal(writeBase64(bytes, text, 0, ','), text.length);
    const pieces = text.toString('latin1').split(',');
    assert.equal(pieces.join(''), bytes.toString('base64'));
    assert.deepEqual(joinBase64(pieces), bytes);
  }
});
