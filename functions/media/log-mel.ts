import * as z from 'zod';
import type { FeatureExtractor } from './feature-extractor.ts';
import { createMelFilters } from './mel-filters.ts';
import { computeSpectrogram, createWindow } from './spectrogram.ts';
import { fitSamples, normalizeSamples } from './waveform.ts';

const sampling_rate = z.int().min(1000).max(192_000).default(16_000);

const whisperSchema = z.object({
  sampling_rate,
  feature_size: z.int().min(1).max(1024).default(80),
  n_fft: z.int().min(2).max(16_384).default(400),
  hop_length: z.int().min(1).max(1e7).default(160),
  chunk_length: z.number().positive().max(600).default(30),
  padding_value: z.number().default(0),
  do_normalize: z.boolean().default(false),
});

const astSchema = z.object({
  sampling_rate,
  num_mel_bins: z.int().min(1).max(1024).default(128),
  max_length: z.int().min(1).max(1e7).default(1024),
  do_normalize: z.boolean().default(true),
  mean: z.number().default(-4.2677393),
  std: z.number().default(4.5689974),
});

/** Whisper's log-mel spectrogram, as [filters, time]: WhisperFeatureExtractor. */
export function createWhisper(fields: unknown): FeatureExtractor {
  const config = whisperSchema.parse(fields);
  const { sampling_rate: sampleRateHz, n_fft, hop_length: hopLength } = config;
  const samplesWanted = Math.round(config.chunk_length * sampleRateHz);
  const melFilters = createMelFilters({
    bins: Math.floor(n_fft / 2) + 1,
    filters: config.feature_size,
    minFrequencyHz: 0,
    maxFrequencyHz: 8000,
    sampleRateHz,
    scale: 'slaney',
    norm: 'slaney',
  });
  const window = createWindow('hann', n_fft, true);
  const options = {
    window,
    hopLength,
    fftLength: n_fft,
    power: 2,
    center: true,
    padMode: 'reflect',
    melFilters,
  } as const;
  return {
    sampleRateHz,
    extract(samples) {
      const cut = samples.subarray(0, samplesWanted);
      const sound = fitSamples(config.do_normalize ? normalizeSamples(cut) : cut, samplesWanted, config.padding_value);
      const { rows, frames, data } = computeSpectrogram(sound, options);
      // Whisper leaves the last frame out, and looks at most 8 powers of ten below the loudest.
      const kept = frames - 1;
      const logarithms = new Float32Array(rows * kept);
      let loudest = Number.NEGATIVE_INFINITY;
      for (let row = 0, to = 0; row < rows; row++) {
        for (let frame = 0; frame < kept; frame++, to++) {
          logarithms[to] = Math.log10(Math.max(1e-10, data[row * frames + frame]!));
          loudest = Math.max(loudest, logarithms[to]!);
        }
      }
      for (let i = 0; i < logarithms.length; i++) logarithms[i] = (Math.max(logarithms[i]!, loudest - 8) + 4) / 4;
      return {
        shape: [rows, kept],
        data: logarithms,
        steps: kept,
        length: Math.min(kept, Math.ceil(cut.length / hopLength)),
      };
    },
  };
}

/** Kaldi's filter bank (torchaudio.compliance.kaldi.fbank with a Hann window), as [time, filters]. */
export function createAst(fields: unknown): FeatureExtractor {
  const config = astSchema.parse(fields);
  const { sampling_rate: sampleRateHz, num_mel_bins: filters, max_length: wanted, mean, std } = config;
  const frameLength = Math.floor(sampleRateHz * 0.025);
  const fftLength = 2 ** Math.ceil(Math.log2(frameLength));
  const options = {
    window: createWindow('hann', frameLength, false),
    hopLength: Math.floor(sampleRateHz * 0.01),
    fftLength,
    power: 2,
    center: false,
    padMode: 'constant',
    preemphasis: 0.97,
    removeDcOffset: true,
    melFilters: createMelFilters({
      bins: fftLength / 2 + 1,
      filters,
      minFrequencyHz: 20,
      maxFrequencyHz: Math.floor(sampleRateHz / 2),
      sampleRateHz,
      scale: 'kaldi',
      triangularizeInMelSpace: true,
    }),
  } as const;
  return {
    sampleRateHz,
    extract(samples) {
      const { frames, data: mel } = computeSpectrogram(samples, options);
      const length = Math.min(frames, wanted);
      const features = new Float32Array(wanted * filters);
      for (let time = 0; time < length; time++) {
        for (let row = 0; row < filters; row++) {
          features[time * filters + row] = Math.log(Math.max(2 ** -23, mel[row * frames + time]!));
        }
      }
      // Zeros that were added count as silence here: they are normalised too.
      const data = config.do_normalize ? features.map((value) => (value - mean) / (std * 2)) : features;
      return { shape: [wanted, filters], data, steps: wanted, length };
    },
  };
}
