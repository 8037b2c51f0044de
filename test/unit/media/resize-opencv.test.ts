import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseImageProcessor, processImage } from '../../../functions/media/image-processor.ts';
import { resizeAsOpenCv } from '../../../functions/media/resize-opencv.ts';
import { digest, formulaPicture } from '../../pictures.ts';

/** Digests of what OpenCV 4.6 makes of the formula's picture with INTER_LINEAR. */
const cases: [from: [number, number, 1 | 3], to: [number, number], expected: string][] = [
  [[61, 43, 3], [30, 20], 'b1a330a79b5ad9e1'],
  [[61, 43, 1], [64, 45], 'a84f75ac7195393b'],
  [[61, 43, 3], [200, 77], 'f2a5640d1a7e56ae'],
  [[60, 44, 3], [30, 22], 'd7e63ad766554ddd'],
  [[61, 43, 3], [61, 20], '2da7b63abc57dc9a'],
  [[40, 30, 1], [20, 15], '9aab7496744ba5b9'],
  [[5, 3, 3], [640, 384], 'd47b9cf6786547ca'],
  [[641, 427, 3], [320, 213], 'fa1f19fea661421a'],
];

for (const [[fromWidth, fromHeight, channels], [width, height], expected] of cases) {
  test(`${fromWidth}×${fromHeight}×${channels} → ${width}×${height} equals OpenCV in every bit`, () => {
    const { data } = resizeAsOpenCv(formulaPicture(fromWidth, fromHeight, channels), { width, height });
    assert.equal(digest(data), expected);
  });
}

test('a letterbox is resized as OpenCV does, unless a filter of Pillow is named', () => {
  const config = { size: { height: 40, width: 30 }, do_letterbox: true };
  const middle = (given: object) => {
    const { data } = processImage(formulaPicture(61, 43, 3), parseImageProcessor({ ...config, ...given }));
    // 30×21 pixels, 9 rows of ground above.
    return digest(data.slice(9 * 90, 30 * 90));
  };
  assert.equal(middle({}), digest(resizeAsOpenCv(formulaPicture(61, 43, 3), { width: 30, height: 21 }).data));
  assert.notEqual(middle({ resample: 2 }), middle({}));
});
