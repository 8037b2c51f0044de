import type { Weights } from './weights.ts';

export interface RegressionMetrics {
  readonly meanAbsoluteError: number;
  readonly rootMeanSquaredError: number;
  /** 1 − squared error / variance of the truth. Where the truth never changes: 1 if it is met exactly, else 0. */
  readonly r2: number;
}

/** Examples whose prediction is NaN have none and are left out. Source: scikit-learn, metrics/_regression.py. */
export function regressionMetrics(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
  weights: Weights,
): RegressionMetrics {
  let [total, sum, absolute, squared, spread] = [0, 0, 0, 0, 0];
  for (let i = 0; i < truth.length; i++) {
    if (Number.isNaN(predicted[i]!)) continue;
    const error = truth[i]! - predicted[i]!;
    total += weights[i]!;
    sum += weights[i]! * truth[i]!;
    absolute += weights[i]! * Math.abs(error);
    squared += weights[i]! * error * error;
  }
  const center = sum / total;
  for (let i = 0; i < truth.length; i++) {
    if (!Number.isNaN(predicted[i]!)) spread += weights[i]! * (truth[i]! - center) ** 2;
  }
  return {
    meanAbsoluteError: absolute / total,
    rootMeanSquaredError: Math.sqrt(squared / total),
    r2: total === 0 ? Number.NaN : spread > 0 ? 1 - squared / spread : Number(squared === 0),
  };
}
