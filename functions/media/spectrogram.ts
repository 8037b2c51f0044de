import { ServiceError } from '../errors.ts';
import { createFft } from './fft.ts';
import type { MelFilter } from './mel-filters.ts';

export type PadMode = 'reflect' | 'constant' | 'edge';
export type WindowName = 'hann' | 'hamming' | 'povey' | 'boxcar';

export interface SpectrogramOptions {
  /** Its length is the length of a frame. */
  readonly window: Float64Array;
  readonly hopLength: number;
  /** At least the frame's length; frames are followed by zeros. */
  readonly fftLength: number;
  readonly power: 1 | 2;
  /** Frame t is centred at sample t · hopLength; the sound is continued by half a frame on both sides. */
  readonly center: boolean;
  readonly padMode: PadMode;
  readonly preemphasis?: number;
  readonly removeDcOffset?: boolean;
  /** Absent: the frequency bins themselves. */
  readonly melFilters?: readonly MelFilter[];
}

/** `rows` × `frames` numbers, row-major: row r is one filter or one frequency bin over time. */
export interface Spectrogram {
  readonly rows: number;
  readonly frames: number;
  readonly data: Float64Array;
}

/** Frames that `length` samples make; 0: the sound is too short for one, or for its reflection. */
export function countFrames(length: number, { window, hopLength, center, padMode }: SpectrogramOptions): number {
  const half = Math.floor(window.length / 2);
  if (center && padMode === 'reflect' && length <= half) return 0;
  const padded = center ? length + 2 * half : length;
  return length === 0 || padded < window.length ? 0 : 1 + Math.floor((padded - window.length) / hopLength);
}

/**
 * Short-time Fourier transform, magnitudes raised to `power`, filters: Hugging Face's `audio_utils.spectrogram`.
 * Throws invalid_request where the sound is too short for one frame.
 */
export function computeSpectrogram(samples: Float32Array, options: SpectrogramOptions): Spectrogram {
  const { fftLength, melFilters, power } = options;
  const frames = countFrames(samples.length, options);
  if (frames === 0) throw tooShort(samples.length, options);
  const bins = Math.floor(fftLength / 2) + 1;
  const rows = melFilters?.length ?? bins;
  const data = new Float64Array(rows * frames);
  const fft = createFft(fftLength);
  const real = new Float64Array(fftLength);
  const imaginary = new Float64Array(fftLength);
  const magnitudes = [new Float64Array(bins), new Float64Array(bins)] as const;
  // Two real frames are one complex transform.
  for (let frame = 0; frame < frames; frame += 2) {
    readFrame(samples, frame, options, real);
    if (frame + 1 < frames) readFrame(samples, frame + 1, options, imaginary);
    else imaginary.fill(0);
    fft(real, imaginary);
    separate(real, imaginary, power, magnitudes);
    writeColumn(magnitudes[0], melFilters, data, frame, frames);
    if (frame + 1 < frames) writeColumn(magnitudes[1], melFilters, data, frame + 1, frames);
  }
  return { rows, frames, data };
}

function tooShort(length: number, { window, center, padMode }: SpectrogramOptions): ServiceError {
  const reflected = center && padMode === 'reflect';
  const least = center ? (reflected ? Math.floor(window.length / 2) + 1 : 1) : window.length;
  return new ServiceError(
    'invalid_request',
    `the sound has ${length} samples at the model's rate; at least ${least} are needed`,
  );
}

/** The samples of one frame, made ready for the transform; the rest of `to` becomes 0. */
function readFrame(samples: Float32Array, frame: number, options: SpectrogramOptions, to: Float64Array): void {
  const { window, hopLength, center, padMode, preemphasis, removeDcOffset } = options;
  const { length } = window;
  const start = frame * hopLength - (center ? Math.floor(length / 2) : 0);
  const inside = start >= 0 && start + length <= samples.length;
  for (let i = 0; i < length; i++) to[i] = inside ? samples[start + i]! : padded(samples, start + i, padMode);
  if (removeDcOffset) {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += to[i]!;
    for (let i = 0; i < length; i++) to[i] = to[i]! - sum / length;
  }
  if (preemphasis) {
    for (let i = length - 1; i > 0; i--) to[i] = to[i]! - preemphasis * to[i - 1]!;
    to[0] = to[0]! * (1 - preemphasis);
  }
  for (let i = 0; i < length; i++) to[i] = to[i]! * window[i]!;
  to.fill(0, length);
}

function padded(samples: Float32Array, index: number, mode: PadMode): number {
  const last = samples.length - 1;
  if (index >= 0 && index <= last) return samples[index]!;
  if (mode === 'constant') return 0;
  if (mode === 'edge') return samples[index < 0 ? 0 : last]!;
  return samples[index < 0 ? -index : 2 * last - index]!;
}

/** The spectra of two real signals out of the transform of one + i · other, as magnitudes raised to `power`. */
function separate(
  real: Float64Array,
  imaginary: Float64Array,
  power: 1 | 2,
  [one, other]: readonly [Float64Array, Float64Array],
): void {
  const n = real.length;
  for (let bin = 0; bin < one.length; bin++) {
    const mirror = bin === 0 ? 0 : n - bin;
    const sumReal = real[bin]! + real[mirror]!;
    const differenceReal = real[bin]! - real[mirror]!;
    const sumImaginary = imaginary[bin]! + imaginary[mirror]!;
    const differenceImaginary = imaginary[bin]! - imaginary[mirror]!;
    const powerOne = (sumReal * sumReal + differenceImaginary * differenceImaginary) / 4;
    const powerOther = (sumImaginary * sumImaginary + differenceReal * differenceReal) / 4;
    one[bin] = power === 2 ? powerOne : Math.sqrt(powerOne);
    other[bin] = power === 2 ? powerOther : Math.sqrt(powerOther);
  }
}

function writeColumn(
  bins: Float64Array,
  filters: readonly MelFilter[] | undefined,
  data: Float64Array,
  frame: number,
  frames: number,
): void {
  if (!filters) {
    for (let bin = 0; bin < bins.length; bin++) data[bin * frames + frame] = bins[bin]!;
    return;
  }
  for (let row = 0; row < filters.length; row++) {
    const { first, weights } = filters[row]!;
    let sum = 0;
    for (let i = 0; i < weights.length; i++) sum += weights[i]! * bins[first + i]!;
    data[row * frames + frame] = sum;
  }
}

/** A window of `length` samples, periodic or symmetric, in the middle of `frameLength` samples, as NumPy and PyTorch have it. */
export function createWindow(name: WindowName, length: number, periodic: boolean, frameLength = length): Float64Array {
  const window = new Float64Array(frameLength);
  const offset = Math.floor((frameLength - length) / 2);
  const turn = (2 * Math.PI) / Math.max(1, periodic ? length : length - 1);
  for (let i = 0; i < length; i++) window[offset + i] = windows[name](Math.cos(turn * i));
  return window;
}

const windows: Record<WindowName, (cosine: number) => number> = {
  hann: (cosine) => 0.5 - 0.5 * cosine,
  hamming: (cosine) => 0.54 - 0.46 * cosine,
  povey: (cosine) => (0.5 - 0.5 * cosine) ** 0.85,
  boxcar: () => 1,
};
