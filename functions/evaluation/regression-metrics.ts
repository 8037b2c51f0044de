export interface RegressionMetrics {
  readonly meanAbsoluteError: number;
  readonly rootMeanSquaredError: number;
  /** 1 − squared error / variance of the truth. Where the truth never changes: 1 if it is met exactly, else 0. */
  readonly r2: number;
}

/** Source: scikit-learn, metrics/_regression.py. */
export function regressionMetrics(truth: readonly number[], predicted: readonly number[]): RegressionMetrics {
  const count = truth.length;
  const errors = truth.map((value, index) => value - predicted[index]!);
  const center = total(truth) / count;
  const squaredError = total(errors.map((error) => error * error));
  const variance = total(truth.map((value) => (value - center) ** 2));
  return {
    meanAbsoluteError: total(errors.map(Math.abs)) / count,
    rootMeanSquaredError: Math.sqrt(squaredError / count),
    r2: variance > 0 ? 1 - squaredError / variance : Number(squaredError === 0),
  };
}

function total(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
