import * as z from 'zod';
import type { FeatureExtractor } from './feature-extractor.ts';

const configSchema = z.object({
  sampling_rate: z.int().min(1000).max(192_000).default(16_000),
  do_normalize: z.boolean().optional(),
  padding_value: z.number().default(0),
  max_length: z.int().min(1).max(1e7).nullish(),
});

/** The samples themselves, normalised where the file or else `normalizes` says so: Wav2Vec2FeatureExtractor. */
export function createWaveform(fields: unknown, normalizes: boolean, inputLength?: number): FeatureExtractor {
  const config = configSchema.parse(fields);
  const fixed = config.max_length ?? inputLength;
  return {
    sampleRateHz: config.sampling_rate,
    extract(samples) {
      const cut = fixed === undefined ? samples : samples.subarray(0, fixed);
      const data = (config.do_normalize ?? normalizes) ? normalizeSamples(cut) : cut;
      const length = fixed ?? data.length;
      const sound = fitSamples(data, length, config.padding_value);
      return { shape: [length], data: sound, steps: length, length: data.length };
    },
  };
}

/** Zero mean and unit variance, as Wav2Vec2FeatureExtractor has it. */
export function normalizeSamples(samples: Float32Array): Float32Array {
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
  const variance = samples.reduce((sum, value) => sum + (value - mean) ** 2, 0) / samples.length;
  const scale = Math.sqrt(variance + 1e-7);
  return samples.map((value) => (value - mean) / scale);
}

/** `length` samples: cut off, or followed by `padding`. */
export function fitSamples(samples: Float32Array, length: number, padding: number): Float32Array {
  if (samples.length >= length) return samples.subarray(0, length);
  const fitted = new Float32Array(length).fill(padding, samples.length);
  fitted.set(samples);
  return fitted;
}
