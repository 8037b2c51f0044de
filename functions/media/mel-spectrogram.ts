import * as z from 'zod';
import type { FeatureExtractor, Features } from './feature-extractor.ts';
import { createMelFilters } from './mel-filters.ts';
import { computeSpectrogram, countFrames, createWindow, type SpectrogramOptions } from './spectrogram.ts';
import { fitSamples } from './waveform.ts';

const whole = z.int().min(1).max(1e7);
const fftLength = z.int().min(2).max(16_384);
const sampling_rate = z.int().min(1000).max(192_000);

/** torchaudio.transforms.MelSpectrogram's words; log_mel, mel_floor and db_range are those of transformers.audio_utils. */
const melSchema = z.object({
  sampling_rate: sampling_rate.default(16_000),
  n_fft: fftLength.default(400),
  win_length: fftLength.nullish(),
  hop_length: whole.nullish(),
  f_min: z.number().min(0).default(0),
  f_max: z.number().positive().nullish(),
  n_mels: z.int().min(1).max(1024).default(128),
  window: z.enum(['hann', 'hamming', 'povey', 'boxcar']).default('hann'),
  power: z.union([z.literal(1), z.literal(2)]).default(2),
  center: z.boolean().default(true),
  pad_mode: z.enum(['reflect', 'constant', 'edge']).default('reflect'),
  norm: z.literal('slaney').nullish(),
  mel_scale: z.enum(['htk', 'kaldi', 'slaney']).default('htk'),
  log_mel: z.enum(['log', 'log10', 'dB']).nullish(),
  mel_floor: z.number().positive().default(1e-10),
  db_range: z.number().positive().nullish(),
  /** In samples: shorter sounds are followed by padding_value, longer ones cut. */
  max_length: whole.nullish(),
  padding_value: z.number().default(0),
});

/** torchaudio.transforms.MFCC's words. */
const mfccSchema = z.object({
  sampling_rate: sampling_rate.default(16_000),
  n_mfcc: z.int().min(1).max(1024).default(40),
  norm: z.literal('ortho').nullable().default('ortho'),
  log_mels: z.boolean().default(false),
  melkwargs: z.record(z.string(), z.unknown()).default({}),
  max_length: whole.nullish(),
  padding_value: z.number().default(0),
});

type MelConfig = z.infer<typeof melSchema>;

/** A mel spectrogram, as [filters, time]: torchaudio.transforms.MelSpectrogram. */
export function createMel(fields: unknown): FeatureExtractor {
  const config = melSchema.parse(fields);
  const options = melOptions(config);
  return {
    sampleRateHz: config.sampling_rate,
    extract(samples) {
      const sound = config.max_length ? fitSamples(samples, config.max_length, config.padding_value) : samples;
      const { rows, frames, data } = computeSpectrogram(sound, options);
      const scaled = toLogarithm(data, config);
      return {
        shape: [rows, frames],
        data: Float32Array.from(scaled),
        ...timeOf(samples, frames, options),
      };
    },
  };
}

/** Mel-frequency cepstral coefficients, as [coefficients, time]: torchaudio.transforms.MFCC. */
export function createMfcc(fields: unknown): FeatureExtractor {
  const config = mfccSchema.parse(fields);
  const { n_mfcc: count, sampling_rate } = config;
  const mel = melSchema.parse({ ...config.melkwargs, sampling_rate });
  if (count > mel.n_mels) return refuse(`n_mfcc is ${count}, more than the ${mel.n_mels} of n_mels`);
  const options = melOptions(mel);
  const transform = createCosineTransform(count, mel.n_mels, config.norm);
  return {
    sampleRateHz: sampling_rate,
    extract(samples) {
      const sound = config.max_length ? fitSamples(samples, config.max_length, config.padding_value) : samples;
      const { rows, frames, data } = computeSpectrogram(sound, options);
      const logarithms = config.log_mels
        ? data.map((value) => Math.log(value + 1e-6))
        : toLogarithm(data, { ...mel, log_mel: 'dB', db_range: 80 });
      const features = new Float32Array(count * frames);
      for (let k = 0; k < count; k++) {
        for (let frame = 0; frame < frames; frame++) {
          let sum = 0;
          for (let row = 0; row < rows; row++) sum += transform[k * rows + row]! * logarithms[row * frames + frame]!;
          features[k * frames + frame] = sum;
        }
      }
      return { shape: [count, frames], data: features, ...timeOf(samples, frames, options) };
    },
  };
}

function melOptions(config: MelConfig): SpectrogramOptions {
  const { n_fft, sampling_rate: sampleRateHz } = config;
  const winLength = config.win_length ?? n_fft;
  const maxFrequencyHz = config.f_max ?? Math.floor(sampleRateHz / 2);
  if (winLength > n_fft) return refuse(`win_length is ${winLength}, more than the ${n_fft} of n_fft`);
  if (config.f_min >= maxFrequencyHz)
    return refuse(`f_min is ${config.f_min}, not below the ${maxFrequencyHz} of f_max`);
  const melFilters = createMelFilters({
    bins: Math.floor(n_fft / 2) + 1,
    filters: config.n_mels,
    minFrequencyHz: config.f_min,
    maxFrequencyHz,
    sampleRateHz,
    scale: config.mel_scale,
    norm: config.norm ?? null,
    triangularizeInMelSpace: config.mel_scale === 'kaldi',
  });
  return {
    window: createWindow(config.window, winLength, true, n_fft),
    hopLength: config.hop_length ?? Math.floor(winLength / 2),
    fftLength: n_fft,
    power: config.power,
    center: config.center,
    padMode: config.pad_mode,
    melFilters,
  };
}

function toLogarithm(data: Float64Array, { log_mel, mel_floor, db_range, power }: MelConfig): Float64Array {
  if (!log_mel) return data;
  const scale = { log: 1, log10: Math.LOG10E, dB: (power === 2 ? 10 : 20) * Math.LOG10E }[log_mel];
  const logarithms = data.map((value) => scale * Math.log(Math.max(mel_floor, value)));
  if (log_mel !== 'dB' || !db_range) return logarithms;
  const quietest = logarithms.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - db_range;
  return logarithms.map((value) => Math.max(quietest, value));
}

/** The DCT-II of `size` numbers as a matrix of its first `count` rows. */
function createCosineTransform(count: number, size: number, norm: 'ortho' | null): Float64Array {
  const matrix = new Float64Array(count * size);
  for (let k = 0; k < count; k++) {
    const scale = norm === null ? 2 : Math.sqrt((k === 0 ? 1 : 2) / size);
    for (let n = 0; n < size; n++) matrix[k * size + n] = scale * Math.cos((Math.PI / size) * (n + 0.5) * k);
  }
  return matrix;
}

function timeOf(
  samples: Float32Array,
  frames: number,
  options: SpectrogramOptions,
): Pick<Features, 'steps' | 'length'> {
  return { steps: frames, length: Math.min(frames, countFrames(samples.length, options)) };
}

/** Rendered by parseFeatureExtractor as every other fault of the file. */
function refuse(reason: string): never {
  throw new z.ZodError([{ code: 'custom', path: [], message: reason, input: undefined }]);
}
