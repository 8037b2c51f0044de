import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import sharp from 'sharp';
import { ServiceError } from '../../../functions/errors.ts';
import { decodeImage } from '../../../functions/media/image.ts';
import { toGrey } from '../../../functions/media/picture.ts';
import { digest, formulaPicture, seededRandom, writePng } from '../../pictures.ts';

const picture = formulaPicture(37, 23, 3);
const raw = sharp(picture.data, { raw: { width: picture.width, height: picture.height, channels: 3 } });
const files = {
  PNG: await raw.clone().png().toBuffer(),
  WebP: await raw.clone().webp({ lossless: true }).toBuffer(),
  JPEG: await raw.clone().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer(),
  GIF: await raw.clone().gif().toBuffer(),
};

suite('colour modes', () => {
  for (const format of ['PNG', 'WebP'] as const) {
    test(`${format} without loss comes back as it was`, async () => {
      assert.deepEqual(await decodeImage(files[format]), { ...picture, data: Buffer.from(picture.data) });
    });
  }

  test('JPEG and GIF come back in their size, as RGB', async () => {
    for (const file of [files.JPEG, files.GIF]) {
      const { width, height, channels, data } = await decodeImage(file);
      assert.deepEqual([width, height, channels, data.length], [37, 23, 3, 37 * 23 * 3]);
    }
  });

  test('alpha is dropped, not blended: a transparent pixel keeps its colour', async () => {
    const file = writePng({ width: 2, height: 1, bits: 8, colourType: 6 }, [Buffer.of(10, 20, 30, 0, 40, 50, 60, 128)]);
    assert.deepEqual([...(await decodeImage(file)).data], [10, 20, 30, 40, 50, 60]);
  });

  test('a transparent pixel of a GIF keeps the colour of its palette', async () => {
    const file = await sharp(Buffer.of(200, 100, 50, 0, 1, 2, 3, 255), { raw: { width: 2, height: 1, channels: 4 } })
      .gif()
      .toBuffer();
    // The first entry of the palette is red here, and no longer black as the encoder wrote it for a transparent pixel.
    file.set([255, 0, 0], 13 + 3 * transparentIndex(file));
    assert.deepEqual([...(await decodeImage(file)).data], [255, 0, 0, 1, 2, 3]);
  });

  test('1-bit grey becomes black and white', async () => {
    const file = writePng({ width: 4, height: 1, bits: 1, colourType: 0 }, [Buffer.of(0b01010000)]);
    assert.deepEqual(
      [...(await decodeImage(file)).data],
      [0, 255, 0, 255].flatMap((level) => [level, level, level]),
    );
  });

  test('16-bit grey is cut off at 255, as Pillow does', async () => {
    const file = writePng({ width: 3, height: 1, bits: 16, colourType: 0 }, [Buffer.of(0, 7, 0, 255, 1, 0)]);
    assert.deepEqual(
      [...(await decodeImage(file)).data],
      [7, 255, 255].flatMap((level) => [level, level, level]),
    );
  });

  test('of 16-bit colours the high byte is taken, as Pillow does', async () => {
    const file = writePng({ width: 1, height: 1, bits: 16, colourType: 2 }, [Buffer.of(1, 255, 128, 0, 255, 1)]);
    assert.deepEqual([...(await decodeImage(file)).data], [1, 128, 255]);
  });

  test('the EXIF orientation is not applied', async () => {
    const file = await raw.clone().jpeg().withMetadata({ orientation: 6 }).toBuffer();
    assert.equal((await decodeImage(file)).width, picture.width);
  });

  test('a CMYK JPEG becomes RGB without a colour profile: no ink is white, black ink is black', async () => {
    for (const [ink, level] of [
      [0, 255],
      [255, 0],
    ] as const) {
      const pixels = Buffer.alloc(16 * 16 * 3, 255 - ink);
      const file = await sharp(pixels, { raw: { width: 16, height: 16, channels: 3 } })
        .toColourspace('cmyk')
        .jpeg()
        .toBuffer();
      const decoded = (await decodeImage(file)).data;
      assert.ok(
        decoded.every((value) => Math.abs(value - level) < 40),
        `level ${decoded[0]} for ink ${ink}`,
      );
    }
  });

  test("grey is Pillow's convert('L')", () => {
    assert.equal(digest(toGrey(picture).data), 'cd95fbaeee399b39');
  });
});

suite('files that are refused', () => {
  const refused: [name: string, bytes: Buffer, code: string, message: RegExp][] = [
    ['an empty file', Buffer.alloc(0), 'invalid_request', /picture is empty/],
    [
      'an SVG',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      'unsupported_media_type',
      /is SVG.*JPEG, PNG, WebP or GIF/,
    ],
    ['a PDF', Buffer.from('%PDF-1.7'), 'unsupported_media_type', /is PDF/],
    ['a path', Buffer.from('/etc/passwd'), 'unsupported_media_type', /no known picture/],
    [
      'a JPEG cut in half',
      files.JPEG.subarray(0, files.JPEG.length / 2),
      'invalid_request',
      /JPEG picture cannot be decoded/,
    ],
    [
      'a PNG cut in half',
      files.PNG.subarray(0, files.PNG.length / 2),
      'invalid_request',
      /PNG picture cannot be decoded/,
    ],
    [
      'a WebP cut in half',
      files.WebP.subarray(0, files.WebP.length / 2),
      'invalid_request',
      /WebP picture cannot be decoded/,
    ],
    ['a GIF that ends in its header', files.GIF.subarray(0, 12), 'invalid_request', /GIF picture cannot be decoded/],
    ['only a JPEG signature', Buffer.of(0xff, 0xd8, 0xff), 'invalid_request', /JPEG picture cannot be decoded/],
    [
      'a PNG that says 30000×30000',
      writePng({ width: 30_000, height: 30_000, bits: 8, colourType: 2 }, [Buffer.alloc(9)]),
      'payload_too_large',
      /PNG picture has 30000×30000 pixels; at most 50 million/,
    ],
    [
      'a PNG with fewer rows than it says',
      writePng({ width: 100, height: 100, bits: 8, colourType: 2 }, [Buffer.alloc(300)]),
      'invalid_request',
      /PNG picture cannot be decoded/,
    ],
  ];
  for (const [name, bytes, code, message] of refused) {
    test(`${name} is ${code}`, async () => {
      await assert.rejects(decodeImage(bytes), { name: 'ServiceError', code, message });
    });
  }

  test('a TIFF is unsupported_media_type, though the decoder knows it', async () => {
    const tiff = await raw.clone().tiff().toBuffer();
    await assert.rejects(decodeImage(tiff), { code: 'unsupported_media_type', message: /is TIFF/ });
  });

  test('300 damaged pictures are each a picture or an error of the caller', async () => {
    const seed = 20_261_123;
    const random = seededRandom(seed);
    const originals = Object.values(files);
    for (let round = 0; round < 300; round++) {
      const damaged = damage(originals[round % originals.length]!, random);
      await decodeImage(damaged).then(
        ({ width, height, data }) => assert.equal(data.length, width * height * 3, `seed ${seed}, round ${round}`),
        (error: unknown) => {
          assert.ok(error instanceof ServiceError && error.status < 500, `seed ${seed}, round ${round}: ${error}`);
        },
      );
    }
  });
});

/** Bytes overwritten, cut off, doubled or taken out. */
function damage(original: Buffer, random: () => number): Buffer {
  const bytes = Buffer.from(original);
  const at = () => Math.floor(random() * bytes.length);
  for (let change = Math.floor(random() * 8); change >= 0; change--) bytes[at()] = Math.floor(random() * 256);
  const kind = random();
  if (kind < 0.2) return bytes.subarray(0, at());
  if (kind < 0.3) return Buffer.concat([bytes.subarray(0, at()), bytes.subarray(at())]);
  return bytes;
}

/** The transparent colour index in the first graphic control extension (GIF89a, section 23). */
function transparentIndex(file: Buffer): number {
  return file[file.indexOf(Buffer.of(0x21, 0xf9, 4)) + 6]!;
}
