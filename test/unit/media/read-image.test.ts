import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import sharp from 'sharp';
import { parseImageProcessor } from '../../../functions/media/image-processor.ts';
import { readImage } from '../../../functions/media/read-image.ts';
import { formulaPicture } from '../../pictures.ts';

const stored = formulaPicture(5, 3, 3);
const raw = sharp(stored.data, { raw: { width: 5, height: 3, channels: 3 } });
const pixel = (x: number, y: number) => [...stored.data.subarray((y * 5 + x) * 3, (y * 5 + x) * 3 + 3)];

/** For each EXIF orientation (TIFF 6.0, tag 274): the stored place of the picture's pixel at x, y. */
const places: ((x: number, y: number) => [number, number])[] = [
  (x, y) => [x, y],
  (x, y) => [4 - x, y],
  (x, y) => [4 - x, 2 - y],
  (x, y) => [x, 2 - y],
  (x, y) => [y, x],
  (x, y) => [y, 2 - x],
  (x, y) => [4 - y, 2 - x],
  (x, y) => [4 - y, x],
];

suite('EXIF', () => {
  for (const [index, place] of places.entries()) {
    test(`orientation ${index + 1} is applied where do_exif_transpose says so, and only there`, async () => {
      const file = await raw
        .clone()
        .withMetadata({ orientation: index + 1 })
        .png()
        .toBuffer();
      const config = { do_resize: false };
      const { picture, original } = await readImage(file, parseImageProcessor({ ...config, do_exif_transpose: true }));
      const sides = index < 4 ? [5, 3] : [3, 5];
      assert.deepEqual([picture.width, picture.height, original.width, original.height], [...sides, ...sides]);
      const expected = Array.from({ length: 15 }, (_, i) => {
        return pixel(...place(i % picture.width, Math.floor(i / picture.width)));
      });
      assert.deepEqual([...picture.data], expected.flat());
      assert.deepEqual([...(await readImage(file, parseImageProcessor(config))).picture.data], [...stored.data]);
    });
  }
});

test('fast is near to the exact way, crops the same part and knows the picture’s size', async () => {
  const data = new Uint8Array(640 * 480 * 3);
  for (let i = 0; i < data.length; i++) {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % 640, Math.floor(i / 1920)];
    data[i] = 128 + 100 * Math.sin((x * (c + 1)) / 90) * Math.cos(y / 70);
  }
  const file = await sharp(data, { raw: { width: 640, height: 480, channels: 3 } })
    .jpeg({ quality: 95 })
    .toBuffer();
  const config = { size: { shortest_edge: 120 }, crop_size: 100, resample: 2 };
  const exact = await readImage(file, parseImageProcessor(config));
  const fast = await readImage(file, parseImageProcessor({ ...config, fast: true }));
  assert.deepEqual([fast.layout, fast.original], [exact.layout, exact.original]);
  assert.deepEqual([fast.picture.width, fast.picture.height], [100, 100]);
  const off = Array.from(fast.picture.data).reduce(
    (sum, level, i) => sum + Math.abs(level - exact.picture.data[i]!),
    0,
  );
  assert.ok(off / exact.picture.data.length < 2, `${off / exact.picture.data.length} levels off`);
});

test('a picture that is too narrow is refused in the fast way too', async () => {
  const file = await sharp({ create: { width: 1, height: 9000, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const config = { size: { longest_edge: 100 }, fast: true };
  await assert.rejects(readImage(file, parseImageProcessor(config)), {
    code: 'invalid_request',
    message: /1×9000 pixels is too narrow/,
  });
});
