import { type Ranking, rankScores } from './ranking-metrics.ts';

/** Most scores that are kept: beyond it, those of every second, third, … record are. */
const maxScores = 16e6;

/**
 * Scores of all classes of many records, a column for each class. They are kept for curves alone; where they would be too
 * many, every n-th record has them, which is a fair sample whatever the order of the records.
 */
export class ScoreColumns {
  readonly every: number;
  private readonly columns: Float64Array[];
  private readonly examples: Uint32Array;
  private length = 0;

  constructor(records: number, classes: number) {
    this.every = Math.max(1, Math.ceil((records * classes) / maxScores));
    const kept = Math.ceil(records / this.every);
    this.columns = Array.from({ length: classes }, () => new Float64Array(kept));
    this.examples = new Uint32Array(kept);
  }

  add(example: number, scores: ArrayLike<number>): void {
    if (example % this.every !== 0) return;
    for (let i = 0; i < this.columns.length; i++) this.columns[i]![this.length] = scores[i]!;
    this.examples[this.length] = example;
    this.length += 1;
  }

  /** Rankings of the classes; the scores themselves are given up on the way. */
  rank(): Ranking[] {
    const rankings: Ranking[] = [];
    for (const [index, column] of this.columns.entries()) {
      const { order, lastOfStep } = rankScores(column.subarray(0, this.length));
      for (let i = 0; i < order.length; i++) order[i] = this.examples[order[i]!]!;
      rankings.push({ order, lastOfStep });
      this.columns[index] = new Float64Array();
    }
    return rankings;
  }
}
