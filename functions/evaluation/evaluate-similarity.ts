import { ServiceError } from '../errors.ts';
import { pearson, sortOrder, spearman } from './correlation.ts';
import type { Evaluation, Evaluator } from './evaluator.ts';
import { GrowingArray } from './growing-array.ts';
import { readNumbers } from './read-answers.ts';
import type { Weights } from './weights.ts';

/** Pairs of texts with how alike people find them. A record may have several pairs; one that failed is left out. */
export class SimilarityEvaluator implements Evaluator {
  private readonly truth = new GrowingArray((length) => new Float64Array(length));
  private readonly given = new GrowingArray((length) => new Float64Array(length));
  private readonly records = new GrowingArray((length) => new Uint32Array(length));

  add(index: number, label: unknown, output: unknown) {
    const truth = readNumbers(label, 'label');
    if (output === undefined) return { loss: 0, right: false, label: truth.join(', '), answer: '' };
    const given = readNumbers(output, 'answer');
    if (given.length !== truth.length) {
      throw new ServiceError('invalid_request', `the label has ${truth.length} numbers and the answer ${given.length}`);
    }
    for (const [place, value] of truth.entries()) {
      this.truth.push(value);
      this.given.push(given[place]!);
      this.records.push(index);
    }
    // People's scale and the cosine are two scales: no single answer is right or wrong.
    return { loss: 0, right: true, label: truth.join(', '), answer: given.join(', ') };
  }

  finish(): Evaluation {
    const [truth, given, records] = [this.truth.toArray(), this.given.toArray(), this.records.toArray()];
    const orders = [sortOrder(truth), sortOrder(given)] as const;
    return {
      metrics: ['spearman', 'pearson'],
      labels: [],
      classMetrics: [],
      support: [],
      measure: (all: Weights) => {
        const weights = Float64Array.from(records, (record) => all[record]!);
        return [spearman(truth, given, orders, weights), pearson(truth, given, weights)];
      },
      cost: 10 * truth.length,
      notes: ['Records that failed are left out.'],
      details: {},
    };
  }
}
