import type { Evaluation, Evaluator } from './evaluator.ts';
import { readClass, readWords } from './read-answers.ts';
import { weightedMean } from './weights.ts';

const topKs = [2, 3, 5, 10];

/** Masked words: one that was left out, and those that the model has for it, best first. A failed record has none. */
export class WordEvaluator implements Evaluator {
  /** Place of the word among the answers, from 1; infinite: it is not among them. */
  private readonly places: Float64Array;
  private fewest = Number.POSITIVE_INFINITY;

  constructor(records: number) {
    this.places = new Float64Array(records).fill(Number.POSITIVE_INFINITY);
  }

  add(index: number, label: unknown, output: unknown) {
    const word = readClass(label);
    const answers = output === undefined ? undefined : readWords(output);
    if (answers) this.fewest = Math.min(this.fewest, answers.length);
    const found = answers?.findIndex(({ token_str }) => token_str.trim() === word.trim()) ?? -1;
    if (found >= 0) this.places[index] = found + 1;
    const [best] = answers ?? [];
    return {
      loss: found === 0 ? 0 : (best?.score ?? 0),
      right: found === 0,
      label: word,
      answer: best?.token_str ?? '',
    };
  }

  finish(count: number): Evaluation {
    const places = this.places.subarray(0, count);
    const within = [1, ...topKs.filter((k) => k <= this.fewest && Number.isFinite(this.fewest))];
    const hits = within.map((k) => places.map((place) => Number(place <= k)));
    const reciprocals = places.map((place) => 1 / place);
    return {
      metrics: ['accuracy', ...within.slice(1).map((k) => `top_${k}_accuracy`), 'mean_reciprocal_rank'],
      labels: [],
      classMetrics: [],
      support: [],
      measure: (weights) => [...hits, reciprocals].map((values) => weightedMean(values, weights)),
      cost: (hits.length + 1) * count,
      notes: [],
      details: {},
    };
  }
}
