import type { Sound } from '../../media/audio.ts';
import { createResampler } from '../../media/resample.ts';
import type { SoundAugment } from './augment-schema.ts';
import { between, gaussian, type Random } from './random.ts';

/** A changed copy of a sound, in this order: speed, shift, gain, noise. All channels change alike, but for the noise. */
export function augmentSound({ sampleRateHz, channels }: Sound, options: SoundAugment, random: Random): Sound {
  let changed = channels;
  const { speed = 0, shift = 0, gain = 0, noise } = options;
  if (speed > 0) {
    const factor = between(random, 1 - speed, 1 + speed);
    changed = changed.map((samples) => playAt(samples, factor));
  }
  if (shift > 0) {
    const by = Math.round(between(random, -shift, shift) * sampleRateHz);
    changed = changed.map((samples) => shiftBy(samples, by));
  }
  if (gain > 0) {
    const factor = 10 ** (between(random, -gain, gain) / 20);
    changed = changed.map((samples) => samples.map((sample) => Math.min(1, Math.max(-1, sample * factor))));
  }
  if (noise !== undefined) {
    const below = between(random, noise, noise + 20);
    changed = changed.map((samples) => addNoise(samples, below, random));
  }
  return { sampleRateHz, channels: changed };
}

/** Resampled as if it had been recorded at another rate: faster is shorter and higher. */
function playAt(samples: Float32Array, factor: number): Float32Array {
  // To one percent: the weights of a resampler grow with the terms of its ratio.
  const percent = Math.round(factor * 100);
  const resampler = createResampler(percent, 100);
  const [first, last] = [resampler.push(samples), resampler.end()];
  const joined = new Float32Array(first.length + last.length);
  joined.set(first);
  joined.set(last, first.length);
  return joined.length > 0 ? joined : samples;
}

/** Later where `by` is above 0; what leaves at one end is silence at the other. */
function shiftBy(samples: Float32Array, by: number): Float32Array {
  const shifted = new Float32Array(samples.length);
  if (Math.abs(by) >= samples.length) return samples;
  shifted.set(by >= 0 ? samples.subarray(0, samples.length - by) : samples.subarray(-by), Math.max(0, by));
  return shifted;
}

function addNoise(samples: Float32Array, decibelsBelow: number, random: Random): Float32Array {
  let power = 0;
  for (const sample of samples) power += sample * sample;
  const level = Math.sqrt(power / samples.length) * 10 ** (-decibelsBelow / 20);
  return samples.map((sample) => Math.min(1, Math.max(-1, sample + level * gaussian(random))));
}
