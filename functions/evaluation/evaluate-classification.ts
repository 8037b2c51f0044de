import { ServiceError } from '../errors.ts';
import type { Evaluation, Evaluator } from './evaluator.ts';
import { measureClassification } from './measure-classification.ts';
import { logLoss, rankOfLabel, squaredError } from './probability-metrics.ts';
import type { Ranking } from './ranking-metrics.ts';
import { readClass, readScoredLabels, type ScoredLabels } from './read-answers.ts';
import { ScoreColumns } from './score-columns.ts';

/** A label that nearly every record has alone is a text rather than a class. */
const maxClasses = 10_000;
/** Place of a label that is not among the answers. */
const noRank = 0xffff;

/** Records with one class each. A failed record counts as wrong, and for no class. */
export class ClassificationEvaluator implements Evaluator {
  private readonly labels = new Map<string, number>();
  private readonly truth: Uint32Array;
  private readonly predicted: Int32Array;
  private readonly ranks: Uint16Array;
  private readonly confidence: Float64Array;
  private readonly losses: Float64Array;
  private readonly squares: Float64Array;
  private readonly records: number;
  /** Labels that the model has, by the first answer. */
  private columnOf: Map<number, number> | undefined;
  private columns: ScoreColumns | undefined;
  private fewest = Number.POSITIVE_INFINITY;
  private allLabels = true;
  private probabilities = true;

  constructor(records: number) {
    this.records = records;
    this.truth = new Uint32Array(records);
    this.predicted = new Int32Array(records).fill(-1);
    this.ranks = new Uint16Array(records).fill(noRank);
    [this.confidence, this.losses, this.squares] = [0, 1, 2].map(() => new Float64Array(records).fill(Number.NaN)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
  }

  add(index: number, label: unknown, output: unknown) {
    const name = readClass(label);
    const answers = output === undefined ? undefined : readScoredLabels(output);
    const truth = this.numberOf(name);
    this.truth[index] = truth;
    const [best] = answers ?? [];
    if (!answers || !best) return { loss: 0, right: false, label: name, answer: '' };
    this.predicted[index] = this.numberOf(best.label);
    this.confidence[index] = best.score;
    this.addScores(index, truth, answers);
    const right = best.label === name;
    return { loss: right ? 0 : 1 + best.score, right, label: name, answer: best.label };
  }

  private numberOf(label: string): number {
    const known = this.labels.get(label) ?? this.labels.size;
    if (known >= maxClasses) {
      throw new ServiceError('invalid_request', `there are more than ${maxClasses} labels: classes are needed`);
    }
    this.labels.set(label, known);
    return known;
  }

  private addScores(index: number, truth: number, answers: ScoredLabels): void {
    const numbers = answers.map(({ label }) => this.numberOf(label));
    this.columnOf ??= new Map(sortByName(answers).map(({ label }, column) => [this.numberOf(label), column]));
    this.fewest = Math.min(this.fewest, answers.length);
    const scores = new Float64Array(this.columnOf.size).fill(Number.NaN);
    for (const [place, number] of numbers.entries()) {
      const column = this.columnOf.get(number);
      if (column !== undefined) scores[column] = answers[place]!.score;
    }
    if (answers.length !== scores.length || scores.some(Number.isNaN)) this.allLabels = false;
    this.probabilities &&= scores.every((score) => score >= 0 && score <= 1);
    this.columns ??= new ScoreColumns(this.records, scores.length);
    this.columns.add(index, scores);
    const column = this.columnOf.get(truth) ?? -1;
    if (!this.allLabels) this.ranks[index] = placeOf(truth, numbers);
    else if (column >= 0) this.ranks[index] = rankOfLabel(scores, column);
    this.losses[index] = logLoss(scores, column);
    this.squares[index] = squaredError(scores, column);
  }

  finish(count: number): Evaluation {
    const labels = [...this.labels.keys()].sort();
    const places = new Map(labels.map((label, place) => [this.labels.get(label)!, place]));
    const place = (number: number) => places.get(number) ?? -1;
    const complete = this.allLabels && this.columns !== undefined;
    const ranked = complete ? this.columns!.rank() : [];
    const columnOf = (label: string) => this.columnOf?.get(this.labels.get(label)!) ?? -1;
    return measureClassification({
      labels,
      truth: Uint32Array.from(this.truth.subarray(0, count), place),
      predicted: Int32Array.from(this.predicted.subarray(0, count), place),
      ranks: this.ranks.subarray(0, count),
      confidence: this.confidence.subarray(0, count),
      losses: this.losses.subarray(0, count),
      squares: this.squares.subarray(0, count),
      // A class that the model has not has no score anywhere: all examples are equal.
      rankings: complete ? labels.map((label) => ranked[columnOf(label)] ?? allEqual(ranked[0]!)) : [],
      topK: this.columns ? this.fewest : 0,
      probabilities: complete && this.probabilities,
      every: this.columns?.every ?? 1,
    });
  }
}

/** Which of equal scores is first hangs on the order of the classes, as with scikit-learn. */
function sortByName(answers: ScoredLabels): ScoredLabels {
  return answers.toSorted((a, b) => (a.label < b.label ? -1 : 1));
}

function placeOf(label: number, ranked: readonly number[]): number {
  const place = ranked.indexOf(label);
  return place < 0 ? noRank : place;
}

function allEqual({ order }: Ranking): Ranking {
  return { order, lastOfStep: new Uint8Array(order.length).fill(1, -1) };
}
