import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convolve } from '../../../functions/media/convolve.ts';
import type { Picture } from '../../../functions/media/picture.ts';
import { computeWeights, type Resample, type Weights } from '../../../functions/media/resample-weights.ts';
import { seededRandom } from '../../pictures.ts';

/** Both passes as Pillow's Resample.c writes them, one number at a time. */
function byHand(picture: Picture, columns: Weights | undefined, rows: Weights | undefined): Picture {
  const { channels } = picture;
  const pass = (from: Picture, weights: Weights, across: boolean): Picture => {
    const width = across ? weights.counts.length : from.width;
    const height = across ? from.height : weights.counts.length;
    const data = new Uint8ClampedArray(width * height * channels);
    for (let i = 0; i < data.length; i++) {
      const [c, x, y] = [i % channels, Math.floor(i / channels) % width, Math.floor(i / channels / width)];
      const place = across ? x : y;
      let sum = 1 << 21;
      for (let k = 0; k < weights.counts[place]!; k++) {
        const [column, row] = across ? [weights.first[place]! + k, y] : [x, weights.first[place]! + k];
        sum += from.data[(row * from.width + column) * channels + c]! * weights.values[place * weights.taps + k]!;
      }
      data[i] = sum >> 22;
    }
    return { width, height, channels, data };
  };
  const narrow = columns ? pass(picture, columns, true) : picture;
  return rows ? pass(narrow, rows, false) : narrow;
}

test('pictures of any size are resampled as by hand, in colour and in grey, up and down, by every filter', () => {
  const seed = 11;
  const next = seededRandom(seed);
  const upTo = (most: number) => 1 + Math.floor(next() * most);
  // Black and white are frequent: there filters with negative lobes go beyond both ends.
  const level = () => (next() < 0.3 ? Math.round(next()) * 255 : Math.floor(next() * 256));
  for (let round = 0; round < 120; round++) {
    const channels = next() < 0.5 ? 3 : 1;
    // Now and then long enough for more than one strip and for wide filters.
    const [width, height] = round % 20 === 0 ? [upTo(9000), upTo(60)] : [upTo(70), upTo(70)];
    const data = Uint8Array.from({ length: width * height * channels }, level);
    const picture: Picture = { width, height, channels, data };
    const resample = upTo(5) as Exclude<Resample, 0>;
    const weights = (from: number, to: number) => computeWeights(from, to, 0, to, resample);
    const columns = round % 5 === 1 ? undefined : weights(width, upTo(60));
    const rows = round % 5 === 2 ? undefined : weights(height, upTo(60));
    const band = { left: 0, top: 0, width: columns?.counts.length ?? width, height };
    const found = convolve(picture, band, columns, rows);
    const expected = byHand(picture, columns, rows);
    assert.deepEqual([found.width, found.height, found.channels], [expected.width, expected.height, channels]);
    assert.equal(
      Buffer.compare(Buffer.from(found.data), Buffer.from(expected.data)),
      0,
      `seed ${seed}, round ${round}, filter ${resample}`,
    );
  }
});
