import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createResampler } from '../../../functions/media/resample.ts';

let seed = 5;
const noise = (length: number) =>
  Float32Array.from({ length }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 31 - 1;
  });

/** Output `j` by the formula: the sum of all inputs, weighted by a sinc under a Hann window of six zero crossings. */
function interpolate(input: Float32Array, j: number, fromHz: number, toHz: number): number {
  const cutoff = Math.min(fromHz, toHz) * 0.99;
  return input.reduce((sum, value, i) => {
    const t = Math.max(-6, Math.min(6, (i / fromHz - j / toHz) * cutoff));
    const sinc = t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t);
    return sum + value * sinc * Math.cos((Math.PI * t) / 12) ** 2 * (cutoff / fromHz);
  }, 0);
}

function resample(input: Float32Array, fromHz: number, toHz: number, piece: number): number[] {
  const resampler = createResampler(fromHz, toHz);
  const output: number[] = [];
  for (let start = 0; start < input.length; start += piece)
    output.push(...resampler.push(input.slice(start, start + piece)));
  return [...output, ...resampler.end()];
}

test('each output is the band-limited interpolation of the inputs', () => {
  for (const [fromHz, toHz] of [
    [44_100, 16_000],
    [8000, 16_000],
    [48_000, 16_000],
    [22_050, 16_000],
    [16_000, 44_100],
  ] as const) {
    const input = noise(701);
    const output = resample(input, fromHz, toHz, 701);
    assert.equal(output.length, Math.ceil((701 * toHz) / fromHz));
    for (const [j, value] of output.entries()) {
      const difference = Math.abs(value - interpolate(input, j, fromHz, toHz));
      assert.ok(difference < 2e-5, `${fromHz} → ${toHz} Hz, sample ${j} differs by ${difference}`);
    }
  }
});

test('pieces of any size give the same samples as the whole', () => {
  const input = noise(3000);
  const whole = resample(input, 44_100, 16_000, 3000);
  for (const piece of [1, 7, 441, 1000]) assert.deepEqual(resample(input, 44_100, 16_000, piece), whole);
});

test('a sound at the model’s rate stays as it is', () => {
  const input = noise(100);
  assert.deepEqual(resample(input, 16_000, 16_000, 30), Array.from(input));
});
