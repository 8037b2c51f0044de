import { alignUnits, type Edits, errorRate, splitCharacters, splitWords } from './error-rate.ts';
import { type Evaluation, type Evaluator, histogramOf } from './evaluator.ts';
import { readClass, readTranscript } from './read-answers.ts';
import { equalWeights, type Weights, weightedMean, weightedSum } from './weights.ts';

type Columns = Readonly<Record<keyof Edits, Float64Array>>;

function createColumns(records: number): Columns {
  const column = () => new Float64Array(records);
  return { hits: column(), substitutions: column(), deletions: column(), insertions: column() };
}

function setEdits(columns: Columns, index: number, edits: Edits): void {
  columns.hits[index] = edits.hits;
  columns.substitutions[index] = edits.substitutions;
  columns.deletions[index] = edits.deletions;
  columns.insertions[index] = edits.insertions;
}

function sumEdits({ hits, substitutions, deletions, insertions }: Columns, weights: Weights): Edits {
  return {
    hits: weightedSum(hits, weights),
    substitutions: weightedSum(substitutions, weights),
    deletions: weightedSum(deletions, weights),
    insertions: weightedSum(insertions, weights),
  };
}

/** Records with a text each, as it is written: nothing is made lower case or left out. A failed record has heard nothing. */
export class SpeechEvaluator implements Evaluator {
  private readonly words: Columns;
  private readonly characters: Columns;
  private readonly exact: Float64Array;

  constructor(records: number) {
    this.words = createColumns(records);
    this.characters = createColumns(records);
    this.exact = new Float64Array(records);
  }

  add(index: number, label: unknown, output: unknown) {
    const truth = readClass(label);
    const answer = output === undefined ? '' : readTranscript(output);
    const words = alignUnits(splitWords(truth), splitWords(answer));
    const characters = alignUnits(splitCharacters(truth), splitCharacters(answer));
    setEdits(this.words, index, words);
    setEdits(this.characters, index, characters);
    const { errorRate: rate } = errorRate(characters);
    const right = words.substitutions + words.deletions + words.insertions === 0;
    this.exact[index] = Number(right);
    const loss = right || output === undefined ? 0 : Number.isNaN(rate) ? 1 : rate;
    return { loss, right, label: truth, answer };
  }

  finish(count: number): Evaluation {
    const cut = (columns: Columns): Columns => ({
      hits: columns.hits.subarray(0, count),
      substitutions: columns.substitutions.subarray(0, count),
      deletions: columns.deletions.subarray(0, count),
      insertions: columns.insertions.subarray(0, count),
    });
    const [words, characters, exact] = [cut(this.words), cut(this.characters), this.exact.subarray(0, count)];
    const rates = words.hits.map((hits, i) => {
      const own = { hits, substitutions: words.substitutions[i]!, deletions: words.deletions[i]! };
      return Math.min(1, errorRate({ ...own, insertions: words.insertions[i]! }).errorRate);
    });
    return {
      metrics: [
        'word_error_rate',
        'character_error_rate',
        'match_error_rate',
        'word_information_lost',
        'sentence_accuracy',
      ],
      labels: [],
      classMetrics: [],
      support: [],
      measure: (weights) => {
        const rate = errorRate(sumEdits(words, weights));
        const characterRate = errorRate(sumEdits(characters, weights)).errorRate;
        const whole = weightedMean(exact, weights);
        return [rate.errorRate, characterRate, rate.matchErrorRate, rate.informationLost, whole];
      },
      cost: 9 * count,
      notes: [
        'Texts are compared as they are written: capitals and punctuation count. A record that failed counts as silence.',
        renderEdits(sumEdits(words, equalWeights(count))),
      ],
      details: {
        histogram: {
          of: 'Word error rate of a record, 1 and above as 1',
          series: ['records'],
          bins: histogramOf(rates, () => 0, { range: [0, 1] }),
        },
      },
    };
  }
}

function renderEdits({ hits, substitutions, deletions, insertions }: Edits): string {
  return `Of the words ${hits} are right, ${substitutions} are others, ${deletions} are missing, and ${insertions} are too many.`;
}
