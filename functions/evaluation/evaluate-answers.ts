import { compareAnswer } from './answer-metrics.ts';
import { type Evaluation, type Evaluator, histogramOf } from './evaluator.ts';
import { readAcceptedAnswers, readBestAnswer } from './read-answers.ts';
import { weightedMean } from './weights.ts';

/** Questions with the answers that are accepted. A question that failed is answered with nothing. */
export class AnswerEvaluator implements Evaluator {
  private readonly exact: Float64Array;
  private readonly f1: Float64Array;

  constructor(records: number) {
    [this.exact, this.f1] = [new Float64Array(records), new Float64Array(records)];
  }

  add(index: number, label: unknown, output: unknown) {
    const accepted = readAcceptedAnswers(label);
    const answer = output === undefined ? '' : readBestAnswer(output);
    const compared = output === undefined ? { exactMatch: 0, f1: 0 } : compareAnswer(accepted, answer);
    this.exact[index] = compared.exactMatch;
    this.f1[index] = compared.f1;
    const right = compared.exactMatch === 1;
    const loss = output === undefined || right ? 0 : 1 - compared.f1 + Number.EPSILON;
    return { loss, right, label: accepted.join(' / ') || 'no answer', answer: answer || 'no answer' };
  }

  finish(count: number): Evaluation {
    const [exact, f1] = [this.exact.subarray(0, count), this.f1.subarray(0, count)];
    return {
      metrics: ['f1', 'exact_match'],
      labels: [],
      classMetrics: [],
      support: [],
      measure: (weights) => [weightedMean(f1, weights), weightedMean(exact, weights)],
      cost: 2 * count,
      notes: ["Answers are compared as SQuAD's: without capitals, punctuation and articles."],
      details: {
        histogram: { of: 'F1 of a record', series: ['records'], bins: histogramOf(f1, () => 0, { range: [0, 1] }) },
      },
    };
  }
}
