import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCharsMap } from '../../../functions/media/precompiled-charsmap.ts';

/** A double-array trie with the one key `A`, which stands for `alpha`. */
function writeCharsMap(): string {
  const units = new Uint32Array(0x400);
  units[0] = 0x100 << 10;
  units[0x100 ^ 0x41] = 0x41 | 0x100 | (0x200 << 10);
  units[0x100 ^ 0x41 ^ 0x200] = 2;
  const size = Buffer.alloc(4);
  size.writeUInt32LE(units.byteLength);
  return Buffer.concat([size, Buffer.from(units.buffer), Buffer.from('x\0alpha\0')]).toString('base64');
}

test('characters and short clusters are replaced by what the model’s own map says, as in tokenizers 0.23', () => {
  const normalize = readCharsMap(writeCharsMap());
  assert.equal(normalize('bAAc'), 'balphaalphac');
  // The beginning of a cluster counts for all of it, up to five bytes.
  assert.equal(normalize('A\u0301b'), 'alphab');
  assert.equal(normalize('A\u0301\u0301\u0301'), 'alpha\u0301\u0301\u0301');
  assert.equal(normalize('👍🏽 é'), '👍🏽 é');
});
