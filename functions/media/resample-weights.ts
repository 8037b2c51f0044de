import { precisionBits } from './resample-kernel.ts';

/** Pillow's numbers of its filters, which `resample` in preprocessor_config.json means. */
export const resampleFilters = { nearest: 0, lanczos: 1, bilinear: 2, bicubic: 3, box: 4, hamming: 5 } as const;

export type Resample = (typeof resampleFilters)[keyof typeof resampleFilters];

/** For each output position: its first source position, and `taps` weights of which the first `counts` are used. */
export interface Weights {
  readonly first: Int32Array;
  readonly counts: Int32Array;
  readonly taps: number;
  readonly values: Int32Array;
}

/** Weights of the output positions `start` … `start + count - 1` of `to`, for a source of `from` positions. */
export function computeWeights(
  from: number,
  to: number,
  start: number,
  count: number,
  resample: Exclude<Resample, 0>,
): Weights {
  const { support, weight } = kernels[resample];
  const scale = from / to;
  const filterScale = Math.max(scale, 1);
  const reach = support * filterScale;
  // Not more than there are positions, so that a large filter over a short source takes no memory for nothing.
  const taps = Math.min(Math.ceil(reach) * 2 + 1, from);
  const first = new Int32Array(count);
  const counts = new Int32Array(count);
  const values = new Int32Array(count * taps);
  const unscaled = new Float64Array(taps);
  const step = 1 / filterScale;
  for (let i = 0; i < count; i++) {
    const center = (start + i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - reach + 0.5));
    const length = Math.min(from, Math.trunc(center + reach + 0.5)) - low;
    let sum = 0;
    for (let k = 0; k < length; k++) {
      unscaled[k] = weight((k + low - center + 0.5) * step);
      sum += unscaled[k]!;
    }
    for (let k = 0; k < length; k++) {
      const share = (sum === 0 ? unscaled[k]! : unscaled[k]! / sum) * (1 << precisionBits);
      values[i * taps + k] = Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
    }
    first[i] = low;
    counts[i] = length;
  }
  return { first, counts, taps, values };
}

const kernels: Record<Exclude<Resample, 0>, { support: number; weight: (x: number) => number }> = {
  [resampleFilters.lanczos]: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
  [resampleFilters.bilinear]: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  [resampleFilters.bicubic]: { support: 2, weight: (x) => bicubic(Math.abs(x)) },
  [resampleFilters.box]: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  [resampleFilters.hamming]: { support: 1, weight: (x) => hamming(Math.abs(x)) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** Keys' cubic convolution with a = -0.5. */
function bicubic(x: number): number {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

function hamming(x: number): number {
  if (x === 0) return 1;
  // Single-precision constants, as in Pillow.
  return x >= 1 ? 0 : sinc(x) * (Math.fround(0.54) + Math.fround(0.46) * Math.cos(x * Math.PI));
}
