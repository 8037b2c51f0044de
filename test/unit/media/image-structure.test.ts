import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import sharp from 'sharp';
import { readJpegHeader } from '../../../functions/media/image-structure.ts';
import { formulaPicture, seededRandom } from '../../pictures.ts';

const picture = formulaPicture(37, 23, 3);
const raw = sharp(picture.data, { raw: { width: picture.width, height: picture.height, channels: 3 } });
const files = {
  baseline: await raw.clone().jpeg().toBuffer(),
  progressive: await raw.clone().jpeg({ progressive: true }).toBuffer(),
  'grey with EXIF': await raw.clone().toColourspace('b-w').withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  CMYK: await raw.clone().toColourspace('cmyk').jpeg().toBuffer(),
};

suite("a JPEG's frame header", () => {
  for (const [name, file] of Object.entries(files)) {
    test(`${name}: as the decoder reads it`, async () => {
      const { width, height, space } = await sharp(file).metadata();
      assert.deepEqual(readJpegHeader(file), { width, height, space });
    });

    test(`${name}, damaged: what is read is what the decoder reads`, async () => {
      const next = seededRandom(5);
      let read = 0;
      for (let round = 0; round < 400; round++) {
        const damaged = Buffer.from(file);
        for (let i = 0; i < 2; i++) damaged[Math.floor(next() * 700) % file.length] = Math.floor(next() * 256);
        const header = readJpegHeader(damaged);
        if (!header) continue;
        // Where the decoder refuses the file it is refused when it is decoded, too.
        const known = await sharp(damaged, { failOn: 'error' })
          .metadata()
          .catch(() => undefined);
        if (!known) continue;
        read++;
        assert.deepEqual([header.width, header.height], [known.width, known.height]);
        if (header.space !== 'srgb') assert.equal(header.space, known.space);
      }
      assert.ok(read > 100);
    });
  }

  test('a scan, or nothing, before it: the decoder is to judge', () => {
    for (const bytes of [[], [0xff, 0xd8], [0xff, 0xd8, 0xff, 0xda, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9]]) {
      assert.equal(readJpegHeader(Uint8Array.from(bytes)), undefined);
    }
  });

  test('of a file that is cut at any byte it is whole or nothing', () => {
    for (const file of Object.values(files)) {
      for (let end = 0; end < file.length; end++) {
        const header = readJpegHeader(file.subarray(0, end));
        if (header) assert.deepEqual([header.width, header.height], [37, 23]);
      }
    }
  });
});
