import { ServiceError } from '../errors.ts';
import { ClassTallies } from './class-tallies.ts';
import { averageScores } from './classification-metrics.ts';
import type { Evaluation, Evaluator } from './evaluator.ts';
import { binaryAreas, type Ranking } from './ranking-metrics.ts';
import { readClasses, readScoredLabels } from './read-answers.ts';
import { ScoreColumns } from './score-columns.ts';
import { scoreValues } from './score-values.ts';
import { equalWeights, meanOfDefined, type Weights, weightedMean } from './weights.ts';

const threshold = 0.5;
const maxClasses = 10_000;

/** Records with any number of classes each; a class is answered where its score is at least 0.5. A failed record has none. */
export class MultiLabelEvaluator implements Evaluator {
  private readonly labels = new Map<string, number>();
  private readonly tallies = new ClassTallies();
  private readonly exact: Float64Array;
  private readonly differing: Float64Array;
  private readonly sampleF1: Float64Array;
  private readonly records: number;
  private readonly truth: string[][] = [];
  private modelLabels: string[] | undefined;
  private columns: ScoreColumns | undefined;
  private allLabels = true;

  constructor(records: number) {
    this.records = records;
    [this.exact, this.differing, this.sampleF1] = [0, 1, 2].map(() => new Float64Array(records)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
  }

  add(index: number, label: unknown, output: unknown) {
    const truth = new Set(readClasses(label));
    const answers = output === undefined ? [] : readScoredLabels(output);
    const found = new Set(answers.filter(({ score }) => score >= threshold).map((one) => one.label));
    const all = new Set([...truth, ...found]);
    for (const one of all) {
      const [hits, support, predicted] = [truth.has(one) && found.has(one), truth.has(one), found.has(one)].map(Number);
      this.tallies.add(index, this.numberOf(one), { hits: hits!, support: support!, predicted: predicted! });
    }
    if (output !== undefined) this.addScores(index, answers);
    const shared = truth.size + found.size - all.size;
    const wrong = all.size - shared;
    this.exact[index] = Number(wrong === 0);
    this.differing[index] = wrong;
    // As scikit-learn's `samples` average: two empty sets have an F1 of 0.
    this.sampleF1[index] = truth.size + found.size === 0 ? 0 : (2 * shared) / (truth.size + found.size);
    this.truth[index] = [...truth];
    const text = (set: Set<string>) => [...set].sort().join(', ') || 'none';
    return { loss: output === undefined ? 0 : wrong, right: wrong === 0, label: text(truth), answer: text(found) };
  }

  private numberOf(label: string): number {
    const known = this.labels.get(label) ?? this.labels.size;
    if (known >= maxClasses) throw new ServiceError('invalid_request', `there are more than ${maxClasses} labels`);
    this.labels.set(label, known);
    return known;
  }

  private addScores(index: number, answers: readonly { label: string; score: number }[]): void {
    this.modelLabels ??= answers.map(({ label }) => label).sort();
    for (const label of this.modelLabels) this.numberOf(label);
    const scores = new Map(answers.map(({ label, score }) => [label, score]));
    if (scores.size !== this.modelLabels.length || !this.modelLabels.every((label) => scores.has(label))) {
      this.allLabels = false;
    }
    this.columns ??= new ScoreColumns(this.records, this.modelLabels.length);
    this.columns.add(
      index,
      this.modelLabels.map((label) => scores.get(label) ?? Number.NaN),
    );
  }

  finish(count: number): Evaluation {
    const names = [...this.labels.keys()];
    const order = names.map((_, number) => number).sort((a, b) => (names[a]! < names[b]! ? -1 : 1));
    const labels = order.map((number) => names[number]!);
    const areas = this.areas(count);
    const [exact, differing, sampleF1] = [this.exact, this.differing, this.sampleF1].map((all) =>
      all.subarray(0, count),
    );
    const measureNamed = (weights: Weights) => {
      const averages = averageScores(this.tallies.count(names.length, weights));
      const ranked = areas?.(weights);
      const values = {
        f1_macro: averages.macro.f1,
        subset_accuracy: weightedMean(exact!, weights),
        hamming_error: weightedMean(differing!, weights) / names.length,
        f1_samples: weightedMean(sampleF1!, weights),
        ...scoreValues(averages),
        ...(ranked && {
          roc_auc_macro: meanOfDefined([...ranked.values()].map(({ rocAuc }) => rocAuc)),
          average_precision_macro: meanOfDefined([...ranked.values()].map(({ averagePrecision }) => averagePrecision)),
        }),
      };
      const classes = order.flatMap((number) => {
        const { precision, recall, f1 } = averages.perClass[number]!;
        const own = ranked?.get(names[number]!);
        const { rocAuc = Number.NaN, averagePrecision = Number.NaN } = own ?? {};
        return [precision, recall, f1, ...(ranked ? [rocAuc, averagePrecision] : [])];
      });
      return { values, classes };
    };
    const ones = equalWeights(count);
    const { support } = this.tallies.count(names.length, ones);
    return {
      metrics: Object.keys(measureNamed(ones).values),
      labels,
      classMetrics: ['precision', 'recall', 'f1', ...(areas ? ['roc_auc', 'average_precision'] : [])],
      support: order.map((number) => support[number]!),
      measure: (weights) => {
        const { values, classes } = measureNamed(weights);
        return [...Object.values(values), ...classes];
      },
      cost: count * (3 + (areas ? 2 * (this.modelLabels?.length ?? 0) : 0)) + this.tallies.length * 5,
      notes: [`A class counts as answered where its score is at least ${threshold}.`],
      details: {},
    };
  }

  private areas(count: number) {
    if (!this.columns || !this.allLabels) return undefined;
    const rankings = this.columns.rank();
    const ranked = this.modelLabels!.map((label, column): [string, Ranking, Uint8Array] => {
      const positive = Uint8Array.from({ length: count }, (_, i) => Number(this.truth[i]?.includes(label) ?? false));
      return [label, rankings[column]!, positive];
    });
    return (weights: Weights) =>
      new Map(ranked.map(([label, ranking, positive]) => [label, binaryAreas(ranking, positive, weights)]));
  }
}
