import { seededRandom } from '../seeded-random.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Percentile bootstrap: `metric` of samples of `count` examples drawn with replacement, given as indices that it must not
 * keep. Samples whose metric is not defined (NaN) are left out. Source: Efron and Tibshirani (1993), chapter 13.
 */
export function bootstrapInterval(
  count: number,
  metric: (examples: Uint32Array) => number,
  options: { readonly seed: string; readonly resamples?: number; readonly confidence?: number },
): Interval {
  const { seed, resamples = 1000, confidence = 0.95 } = options;
  const random = seededRandom(seed);
  const examples = new Uint32Array(count);
  const values: number[] = [];
  for (let sample = 0; sample < resamples; sample++) {
    for (let i = 0; i < count; i++) examples[i] = Math.floor(random() * count);
    const value = metric(examples);
    if (!Number.isNaN(value)) values.push(value);
  }
  values.sort((a, b) => a - b);
  return { low: quantile(values, (1 - confidence) / 2), high: quantile(values, (1 + confidence) / 2) };
}

/** Linear between the two nearest of sorted values; NaN of none. */
function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = Math.floor(position);
  const low = sorted[below] ?? Number.NaN;
  return low + ((sorted[below + 1] ?? low) - low) * (position - below);
}
