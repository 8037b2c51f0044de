import { seededRandom } from '../seeded-random.ts';
import type { Weights } from './weights.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface BootstrapOptions {
  readonly seed: string;
  readonly resamples?: number;
  /** Share of the samples between the bounds. */
  readonly confidence?: number;
  /** Of each example, counted from 0: groups are drawn whole, since examples of one group are alike. */
  readonly groups?: ArrayLike<number>;
}

export const defaultResamples = 1000;
export const defaultConfidence = 0.95;

/**
 * Percentile bootstrap of all values that `measure` gives: as many examples (or groups) as there are, drawn with
 * replacement, given as weights that it must not keep. Samples where a value is not defined (NaN) are left out of its
 * interval. Source: Efron and Tibshirani (1993), chapter 13; of groups: Field and Welsh (2007), cluster bootstrap.
 */
export function bootstrapIntervals(
  count: number,
  measure: (weights: Weights) => ArrayLike<number>,
  { seed, resamples = defaultResamples, confidence = defaultConfidence, groups }: BootstrapOptions,
): Interval[] {
  const random = seededRandom(seed);
  const units = groups ? countGroups(groups) : count;
  const drawn = new Uint16Array(units);
  const weights = groups ? new Uint16Array(count) : drawn;
  const samples: number[][] = [];
  for (let sample = 0; sample < resamples; sample++) {
    drawn.fill(0);
    for (let i = 0; i < units; i++) drawn[Math.floor(random() * units)]! += 1;
    if (groups) for (let i = 0; i < count; i++) weights[i] = drawn[groups[i]!]!;
    const values = measure(weights);
    for (let i = 0; i < values.length; i++) {
      samples[i] ??= [];
      if (!Number.isNaN(values[i]!)) samples[i]!.push(values[i]!);
    }
  }
  return samples.map((values) => {
    const sorted = Float64Array.from(values).sort();
    return { low: quantile(sorted, (1 - confidence) / 2), high: quantile(sorted, (1 + confidence) / 2) };
  });
}

function countGroups(groups: ArrayLike<number>): number {
  let most = -1;
  for (let i = 0; i < groups.length; i++) most = Math.max(most, groups[i]!);
  return most + 1;
}

/** Linear between the two nearest of sorted values; NaN of none. */
function quantile(sorted: Float64Array, share: number): number {
  const position = (sorted.length - 1) * share;
  const below = Math.floor(position);
  const low = sorted[below] ?? Number.NaN;
  return low + ((sorted[below + 1] ?? low) - low) * (position - below);
}
