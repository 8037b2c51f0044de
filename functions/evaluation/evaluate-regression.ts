import { type Evaluation, type Evaluator, histogramOf } from './evaluator.ts';
import { readNumber } from './read-answers.ts';
import { regressionMetrics } from './regression-metrics.ts';

/** Records with a number each. A failed record has no number that it could stand for, and is left out. */
export class RegressionEvaluator implements Evaluator {
  private readonly truth: Float64Array;
  private readonly predicted: Float64Array;

  constructor(records: number) {
    this.truth = new Float64Array(records);
    this.predicted = new Float64Array(records).fill(Number.NaN);
  }

  add(index: number, label: unknown, output: unknown) {
    const truth = readNumber(label, 'label');
    const predicted = output === undefined ? Number.NaN : readNumber(output, 'answer');
    this.truth[index] = truth;
    this.predicted[index] = predicted;
    const loss = Math.abs(truth - predicted);
    const answer = Number.isNaN(predicted) ? '' : String(predicted);
    return { loss: Number.isNaN(loss) ? 0 : loss, right: loss === 0, label: String(truth), answer };
  }

  finish(count: number): Evaluation {
    const [truth, predicted] = [this.truth.subarray(0, count), this.predicted.subarray(0, count)];
    const errors = predicted.map((value, i) => value - truth[i]!);
    return {
      metrics: ['mean_absolute_error', 'root_mean_squared_error', 'r2'],
      labels: [],
      classMetrics: [],
      support: [],
      measure: (weights) => {
        const { meanAbsoluteError, rootMeanSquaredError, r2 } = regressionMetrics(truth, predicted, weights);
        return [meanAbsoluteError, rootMeanSquaredError, r2];
      },
      cost: 2 * count,
      notes: ['Records that failed are left out: there is no number that they could stand for.'],
      details: {
        histogram: { of: 'Answer less label', series: ['records'], bins: histogramOf(errors, () => 0) },
      },
    };
  }
}
