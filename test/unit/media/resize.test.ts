import assert from 'node:assert/strict';
import test from 'node:test';
import type { Resample } from '../../../functions/media/resample-weights.ts';
import { crop, resize } from '../../../functions/media/resize.ts';
import { digest, formulaPicture } from '../../pictures.ts';

/** SHA-256 of what Pillow 9.4's Image.resize makes of formulaPicture, for the filters 0 to 5. */
const pillow: [from: [number, number, 1 | 3], to: [number, number], digests: string][] = [
  [
    [37, 23, 3],
    [11, 7],
    '2bfabaa8797fb2dd 038799862c5e2e25 09bfa74ca2dbd028 f735391e64701b22 50ba72576428c5b6 626e89671bfd228a',
  ],
  [
    [37, 23, 1],
    [50, 60],
    'a9bf53cdb943b110 d2f1ed4eacfb7c53 403423cff66cd15f 243f9ac0a0c38bf7 a9bf53cdb943b110 17254bf6cb5bfef4',
  ],
  [
    [64, 1, 3],
    [5, 9],
    'f406793d6661780c 7e2dbb5b3d1158c1 6e0ff11a2972cb79 06c7d7c7637ba6ce 4173d56eeba50eb0 a8d72bc7c85c90a5',
  ],
  [
    [3, 200, 1],
    [3, 17],
    'b2c3345f664c52af 0fc7b9654ed76575 73a50f1c9dc20209 5b77765b7c3d3a50 4a6e6a0ac3837852 ccf16ffe02eec214',
  ],
];

for (const [from, [width, height], digests] of pillow) {
  test(`${from.join('×')} → ${width}×${height} equals Pillow in every bit with each of the six filters`, () => {
    const picture = formulaPicture(...from);
    const found = ([0, 1, 2, 3, 4, 5] as Resample[]).map((filter) =>
      digest(resize(picture, { width, height }, filter).data),
    );
    assert.equal(found.join(' '), digests);
  });
}

test('a part of the resized picture is what the whole has there', () => {
  const picture = formulaPicture(61, 47, 3);
  const size = { width: 29, height: 90 };
  const box = { left: 7, top: 40, width: 13, height: 31 };
  for (const filter of [0, 1, 2, 3, 4, 5] as Resample[]) {
    assert.deepEqual(resize(picture, size, filter, box), crop(resize(picture, size, filter), box));
  }
});

test('a picture of the wanted size stays as it is', () => {
  const picture = formulaPicture(9, 5, 3);
  assert.deepEqual([...resize(picture, picture, 3).data], [...picture.data]);
});
