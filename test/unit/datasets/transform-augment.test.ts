import assert from 'node:assert/strict';
import { test } from 'node:test';
import { augmentPicture } from '../../../functions/datasets/augment/augment-picture.ts';
import { augmentSchema } from '../../../functions/datasets/augment/augment-schema.ts';
import { augmentSound } from '../../../functions/datasets/augment/augment-sound.ts';
import { augmentText } from '../../../functions/datasets/augment/augment-text.ts';
import { randomOf } from '../../../functions/datasets/augment/random.ts';
import { differenceHash } from '../../../functions/datasets/clean/perceptual-hash.ts';
import type { PreparedRecord } from '../../../functions/datasets/prepared-record.ts';
import { moveBoxes } from '../../../functions/datasets/transform/move-boxes.ts';
import { transformPicture } from '../../../functions/datasets/transform/transform-picture.ts';
import { transformSchema } from '../../../functions/datasets/transform/transform-schema.ts';
import { decodeSound } from '../../../functions/media/audio.ts';
import { encodeWav } from '../../../functions/media/encode-wav.ts';
import { decodeImage, encodeImage } from '../../../functions/media/image.ts';
import type { Picture } from '../../../functions/media/picture.ts';
import { formulaPicture } from '../../pictures.ts';
import { createDatasetWorld } from './dataset-world.ts';

const random = (copy = 1) => randomOf('record', copy);
const picture = formulaPicture(20, 10, 3);
/** White but for one red point. */
function pointed(width: number, height: number, x: number, y: number): Picture {
  const data = new Uint8ClampedArray(width * height * 3).fill(255);
  data.set([255, 0, 0], (y * width + x) * 3);
  return { width, height, channels: 3, data };
}
function redPoint({ width, data }: Picture): [number, number] {
  let [most, at] = [-1, 0];
  for (let p = 0; p < data.length / 3; p++) {
    const red = data[3 * p]! - data[3 * p + 1]!;
    if (red > most) [most, at] = [red, p];
  }
  return [at % width, Math.floor(at / width)];
}

test('pictures get the size, the fit, the format and the grey that are asked for', () => {
  const size = (given: object) => {
    const { picture: made } = transformPicture(picture, transformSchema.parse({ picture: given }).picture!);
    return [made.width, made.height, made.channels];
  };
  assert.deepEqual(size({ width: 10 }), [10, 5, 3]);
  assert.deepEqual(size({ height: 20, grey: true }), [40, 20, 1]);
  for (const fit of ['fill', 'cover', 'contain']) assert.deepEqual(size({ width: 8, height: 8, fit }), [8, 8, 3]);
  const contained = transformPicture(
    picture,
    transformSchema.parse({ picture: { width: 8, height: 8, fit: 'contain' } }).picture!,
  );
  assert.ok(
    contained.picture.data.subarray(0, 24 * 2).every((level) => level === 0),
    'black above',
  );
  assert.ok(contained.picture.data.subarray(24 * 2, 24 * 6).some((level) => level > 0));
});

test('points of a picture go where its pixels go, however it is transformed and augmented', () => {
  for (const [x, y] of [
    [30, 20],
    [12, 40],
    [45, 9],
  ] as const) {
    const given = pointed(60, 50, x, y);
    const near = ({ picture: made, move }: ReturnType<typeof augmentPicture>, what: string) => {
      const [seenX, seenY] = redPoint(made);
      const [movedX, movedY] = move(x + 0.5, y + 0.5);
      const isInside = movedX > 1 && movedY > 1 && movedX < made.width - 1 && movedY < made.height - 1;
      if (isInside)
        assert.ok(
          Math.hypot(seenX + 0.5 - movedX, seenY + 0.5 - movedY) < 1.8,
          `${what} ${x} ${y}: ${seenX} ${seenY} ${movedX} ${movedY}`,
        );
    };
    for (const fit of ['fill', 'cover', 'contain']) {
      near(transformPicture(given, transformSchema.parse({ picture: { width: 90, height: 40, fit } }).picture!), fit);
    }
    for (const options of [
      { flip: 'horizontal' },
      { flip: 'both' },
      { rotate: 40 },
      { crop: 0.7 },
      { flip: 'vertical', rotate: 20, crop: 0.8 },
    ]) {
      for (let copy = 0; copy < 6; copy++) {
        near(
          augmentPicture(given, augmentSchema.parse({ picture: options }).picture!, random(copy)),
          JSON.stringify(options),
        );
      }
    }
  }
});

test('boxes move along, are cut at the border, and leave with the objects that leave', () => {
  const box = { xmin: 10, ymin: 10, xmax: 20, ymax: 30 };
  const moved = (by: number) => moveBoxes([{ label: 'cat', box }], (x, y) => [x - by, y], { width: 100, height: 100 });
  assert.deepEqual(moved(0), [{ label: 'cat', box }]);
  assert.deepEqual(moved(15), [{ label: 'cat', box: { ...box, xmin: 0, xmax: 5 } }]);
  assert.deepEqual(moved(18), []);
});

test('copies of pictures differ from each other and are the same each time; each option does what it says', () => {
  const of = (given: object, copy = 1) =>
    augmentPicture(picture, augmentSchema.parse({ picture: given }).picture!, random(copy)).picture.data;
  const all = {
    flip: 'both',
    rotate: 20,
    crop: 0.7,
    colour: { brightness: 0.4, contrast: 0.4, saturation: 0.5, hue: 0.2 },
    noise: 20,
    erase: 0.2,
  };
  for (const [name, option] of Object.entries(all)) {
    const seen = new Set<string>();
    for (let copy = 1; copy <= 8; copy++) {
      assert.deepEqual(of({ [name]: option }, copy), of({ [name]: option }, copy));
      seen.add(Buffer.from(of({ [name]: option }, copy)).toString('hex'));
    }
    assert.ok(seen.size >= (name === 'flip' ? 3 : 7), `${name}: ${seen.size}`);
  }
  const grey: Picture = { width: 4, height: 4, channels: 3, data: new Uint8ClampedArray(48).fill(99) };
  const turned = augmentPicture(
    grey,
    augmentSchema.parse({ picture: { colour: { hue: 0.5, saturation: 1 } } }).picture!,
    random(),
  );
  assert.deepEqual([...turned.picture.data], [...grey.data], 'grey has no hue');
});

test('sounds become louder, noisier, later and faster as they are told, and keep 16 bits', async () => {
  const tone = Float32Array.from({ length: 8000 }, (_, at) => (Math.round(3000 * Math.sin(at / 5)) + 0) / 32_768);
  const sound = { sampleRateHz: 8000, channels: [tone, tone.map((sample) => 0 - sample)] };
  const file = encodeWav(sound);
  const decoded = await decodeSound(file, {});
  assert.deepEqual([decoded.sampleRateHz, decoded.channels], [8000, sound.channels]);
  const [mono] = (await decodeSound(file, { channels: 1 })).channels;
  assert.ok(
    mono!.every((sample) => sample === 0),
    'the mean of a sound and its opposite',
  );
  assert.equal((await decodeSound(file, { sampleRateHz: 16_000 })).channels[1]!.length, 16_000);
  const of = (given: object, copy = 1) =>
    augmentSound(sound, augmentSchema.parse({ sound: given }).sound!, random(copy)).channels[0]!;
  const power = (samples: Float32Array) => samples.reduce((sum, sample) => sum + sample ** 2, 0);
  for (let copy = 1; copy < 9; copy++) {
    const decibels = 10 * Math.log10(power(of({ gain: 6 }, copy)) / power(tone));
    assert.ok(Math.abs(decibels) <= 6.01 && Math.abs(decibels) > 0.001);
    const noise = of({ noise: 10 }, copy).map((sample, at) => sample - tone[at]!);
    const below = 10 * Math.log10(power(tone) / power(noise));
    assert.ok(below > 9 && below < 31, `${below} dB`);
    assert.ok(Math.abs(of({ speed: 0.2 }, copy).length / 8000 - 1) <= 0.27);
    assert.equal(of({ shift: 0.5 }, copy).length, 8000);
  }
  assert.ok(power(of({ shift: 0.5 })) < power(tone));
});

test('texts are swapped, shortened and reworded, and never emptied', () => {
  const options = (given: object) => augmentSchema.parse({ text: given }).text!;
  const synonyms = new Map([['good', ['fine', 'great']]]);
  const text = '  Good, good things; come to those who wait ';
  const reworded = augmentText(text, options({ replace: 1 }), synonyms, random());
  assert.match(reworded, /^ {2}(Fine|Great), (fine|great) things; come to those who wait $/);
  const swapped = augmentText(text, options({ swap: 1 }), new Map(), random());
  assert.equal(swapped, '  good Good, come things; those to wait who ');
  assert.equal(
    augmentText('one two three', options({ drop: 1 }), new Map(), random())
      .trim()
      .split(' ').length,
    1,
  );
  assert.equal(augmentText('', options({ drop: 1, swap: 1 }), synonyms, random()), '');
  assert.equal(augmentText('plain', options({}), synonyms, random()), 'plain');
});

test('pictures that look alike have hashes that are near, others have not', () => {
  const smooth = (shift: number): Picture => {
    const data = Uint8ClampedArray.from(
      { length: 64 * 48 * 3 },
      (_, at) => 128 + 100 * Math.sin(Math.floor(at / 3) / 700 + shift) * Math.cos((Math.floor(at / 3) % 64) / 9),
    );
    return { width: 64, height: 48, channels: 3, data };
  };
  const distance = (a: Picture, b: Picture) => {
    const [one, other] = [differenceHash(a), differenceHash(b)];
    const bits = (value: number) => (value >>> 0).toString(2).replaceAll('0', '').length;
    return bits(one.high ^ other.high) + bits(one.low ^ other.low);
  };
  const brighter = { ...smooth(0), data: smooth(0).data.map((level) => level + 12) };
  const smaller = transformPicture(
    smooth(0),
    transformSchema.parse({ picture: { width: 40, height: 30 } }).picture!,
  ).picture;
  assert.ok(distance(smooth(0), brighter) <= 4 && distance(smooth(0), smaller) <= 4);
  assert.ok(distance(smooth(0), smooth(2)) > 12);
});

test('a data set of pictures is decoded, resized and augmented; its copies stand in train alone and name their originals', async () => {
  const files: Record<string, Uint8Array> = {};
  for (let index = 0; index < 30; index++) {
    files[`${index % 2 ? 'odd' : 'even'}/${index}.jpg`] = await encodeImage(
      formulaPicture(20 + index, 30, 3),
      'jpeg',
      80,
    );
  }
  const world = createDatasetWorld();
  const definition = {
    task: 'image-classification',
    clean: { limits: { width: { min: 22, max: 45 } } },
    transform: { picture: { width: 16, height: 12, format: 'webp' } },
    augment: { copies: 2, picture: { rotate: 10, noise: 5 } },
  };
  world.upload('p', definition, files);
  await world.work();
  const { counts, splits } = world.manifest('p');
  assert.deepEqual(counts.dropped, { 'too-small': 2, 'too-big': 4 });
  assert.deepEqual(counts.augmented, 2 * (splits.train!.records - splits.train!.augmented));
  const train = await world.records('p', 'train');
  const ids = new Set(train.map(({ id }) => id));
  assert.equal(ids.size, train.length);
  for (const { augmentedFrom, inputs } of train) {
    if (augmentedFrom !== undefined) assert.ok(ids.has(augmentedFrom));
    const { width, height } = await decodeImage(inputs as Uint8Array);
    assert.deepEqual([width, height], [16, 12]);
    assert.equal(Buffer.from(inputs as Uint8Array).toString('latin1', 8, 12), 'WEBP');
  }
  const others: PreparedRecord[] = [...(await world.records('p', 'test')), ...(await world.records('p', 'validation'))];
  assert.ok(others.length >= 4 && others.every(({ augmentedFrom }) => augmentedFrom === undefined));
});
