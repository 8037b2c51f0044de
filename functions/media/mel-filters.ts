export type MelScale = 'htk' | 'kaldi' | 'slaney';

/** One triangular filter: the weights of the frequency bins from `first` on; the others are 0. */
export interface MelFilter {
  readonly first: number;
  readonly weights: Float64Array;
}

export interface MelFilterOptions {
  readonly bins: number;
  readonly filters: number;
  readonly minFrequencyHz: number;
  readonly maxFrequencyHz: number;
  readonly sampleRateHz: number;
  readonly scale: MelScale;
  /** `slaney`: each filter is divided by its width in hertz. */
  readonly norm?: 'slaney' | null;
  /** Triangles with straight sides over mels, as Kaldi has them, not over hertz. */
  readonly triangularizeInMelSpace?: boolean;
}

/** A bank of triangular filters, equally far from each other in mels: Hugging Face's `audio_utils.mel_filter_bank`. */
export function createMelFilters(options: MelFilterOptions): MelFilter[] {
  const { bins, filters, sampleRateHz, scale } = options;
  const { toMel, toHertz } = scales[scale];
  const low = toMel(options.minFrequencyHz);
  const high = toMel(options.maxFrequencyHz);
  const mels = Array.from({ length: filters + 2 }, (_, i) => low + (i * (high - low)) / (filters + 1));
  const inMels = options.triangularizeInMelSpace ?? false;
  const corners = inMels ? mels : mels.map(toHertz);
  const frequencies = Array.from({ length: bins }, (_, bin) =>
    inMels ? toMel((bin * sampleRateHz) / ((bins - 1) * 2)) : (bin * Math.floor(sampleRateHz / 2)) / (bins - 1),
  );
  return Array.from({ length: filters }, (_, i) => {
    const [left, top, right] = [corners[i]!, corners[i + 1]!, corners[i + 2]!];
    const scaleBy = options.norm === 'slaney' ? 2 / (right - left) : 1;
    const weights = frequencies.map(
      (hertz) => scaleBy * Math.max(0, Math.min((hertz - left) / (top - left), (right - hertz) / (right - top))),
    );
    const first = Math.max(
      0,
      weights.findIndex((weight) => weight > 0),
    );
    return {
      first,
      weights: Float64Array.from(weights.slice(first, weights.findLastIndex((weight) => weight > 0) + 1)),
    };
  });
}

/** Slaney's scale is linear below 1000 Hz, logarithmic above. */
const slaneyStep = Math.log(6.4) / 27;

const scales: Record<MelScale, { toMel: (hertz: number) => number; toHertz: (mel: number) => number }> = {
  htk: {
    toMel: (hertz) => 2595 * Math.log10(1 + hertz / 700),
    toHertz: (mel) => 700 * (10 ** (mel / 2595) - 1),
  },
  kaldi: {
    toMel: (hertz) => 1127 * Math.log(1 + hertz / 700),
    toHertz: (mel) => 700 * (Math.exp(mel / 1127) - 1),
  },
  slaney: {
    toMel: (hertz) => (hertz < 1000 ? (3 * hertz) / 200 : 15 + Math.log(hertz / 1000) / slaneyStep),
    toHertz: (mel) => (mel < 15 ? (200 * mel) / 3 : 1000 * Math.exp(slaneyStep * (mel - 15))),
  },
};
