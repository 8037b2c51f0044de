import type { Distribution } from '../prepared-manifest.ts';

/** Two values of one bucket differ by at most two percent. */
const accuracy = 0.01;
const gamma = (1 + accuracy) / (1 - accuracy);
const logGamma = Math.log(gamma);
const least = 1e-9;
const bins = 24;

/**
 * The distribution of any number of values in little memory: buckets whose bounds grow by a factor, so that a quantile is right to
 * one percent. Source: Masson, Rim, Lee, "DDSketch", VLDB 2019.
 */
export interface Sketch {
  add(value: number): void;
  /** `total`: how many records there are, with those that lack the value. Undefined: no value came. */
  summary(total: number): Distribution | undefined;
}

export function createSketch(): Sketch {
  const buckets = new Map<number, number>();
  let [count, mean, squares] = [0, 0, 0];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return {
    add(value) {
      count += 1;
      // Welford: exact where a sum of squares would cancel out.
      const difference = value - mean;
      mean += difference / count;
      squares += difference * (value - mean);
      [min, max] = [Math.min(min, value), Math.max(max, value)];
      const bucket = bucketOf(value);
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
    },
    summary(total) {
      if (count === 0) return undefined;
      const sorted = [...buckets].sort(([a], [b]) => a - b);
      const clamp = (value: number) => Math.min(max, Math.max(min, value));
      const quantile = (share: number) => {
        let below = 0;
        for (const [bucket, size] of sorted) {
          below += size;
          if (below > share * (count - 1)) return clamp(middleOf(bucket));
        }
        return max;
      };
      const quantiles = {
        p5: quantile(0.05),
        p25: quantile(0.25),
        p50: quantile(0.5),
        p75: quantile(0.75),
        p95: quantile(0.95),
      };
      const histogram = new Array<number>(bins).fill(0);
      for (const [bucket, size] of sorted) {
        const place = max === min ? 0 : ((clamp(middleOf(bucket)) - min) / (max - min)) * bins;
        const bin = Math.min(bins - 1, Math.floor(place));
        histogram[bin] = histogram[bin]! + size;
      }
      const std = Math.sqrt(squares / count);
      return { count, missing: total - count, mean, std, min, max, quantiles, histogram };
    },
  };
}

/** Buckets of negative values are below 0, that of values near 0 is 0. */
function bucketOf(value: number): number {
  const size = Math.abs(value);
  if (size < least) return 0;
  const bucket = Math.ceil(Math.log(size / least) / logGamma) + 1;
  return value < 0 ? -bucket : bucket;
}

function middleOf(bucket: number): number {
  if (bucket === 0) return 0;
  const size = (least * (2 * gamma ** (Math.abs(bucket) - 1))) / (gamma + 1);
  return bucket < 0 ? -size : size;
}
