import {
  type ClassificationMetrics,
  classificationMetrics,
  confusionMatrix,
  countClasses,
} from './classification-metrics.ts';
import { type Confusion, type Details, type Evaluation, histogramOf, type LabelledCurve } from './evaluator.ts';
import { calibrationBins, expectedCalibrationError } from './probability-metrics.ts';
import {
  type Curve,
  type MulticlassAreas,
  multiclassAreas,
  precisionRecallCurve,
  type Ranking,
  rocCurve,
} from './ranking-metrics.ts';
import { scoreValues } from './score-values.ts';
import { thinCurve } from './thin-curve.ts';
import { equalWeights, type Weights, weightedMean } from './weights.ts';

const mostMatrixClasses = 200;
const mostConfusions = 20;
const mostCurves = 4;
const topKs = [2, 3, 5, 10];

/** Records of one class each, in arrays; classes in the order of their names. */
export interface ClassifiedRecords {
  readonly labels: readonly string[];
  readonly truth: Uint32Array;
  /** −1: no answer. */
  readonly predicted: Int32Array;
  /** Place of the true class among the answers. */
  readonly ranks: Uint16Array;
  /** Score of the predicted class; NaN without an answer, and so are the two below. */
  readonly confidence: Float64Array;
  readonly losses: Float64Array;
  readonly squares: Float64Array;
  /** Of each class; none where not all scores were answered. */
  readonly rankings: readonly Ranking[];
  /** Answers that every record has at least. */
  readonly topK: number;
  /** All scores are between 0 and 1. */
  readonly probabilities: boolean;
  /** Every n-th record is ranked. */
  readonly every: number;
}

type Values = Record<string, number>;

export function measureClassification(records: ClassifiedRecords): Evaluation {
  const { labels, truth, predicted, rankings } = records;
  const right = Uint8Array.from(truth, (label, i) => Number(label === predicted[i]));
  const hitsOf = topKs
    .filter((k) => k <= records.topK && k < labels.length)
    .map((k) => ({ name: `top_${k}_accuracy`, hits: Uint8Array.from(records.ranks, (rank) => Number(rank < k)) }));
  const ones = equalWeights(truth.length);
  const measureNamed = (weights: Weights) => {
    const metrics = classificationMetrics(countClasses(truth, predicted, labels.length, weights));
    const areas = rankings.length > 0 ? multiclassAreas(rankings, truth, weights) : undefined;
    const topK = hitsOf.map(({ name, hits }) => [name, weightedMean(hits, weights)]);
    const values: Values = {
      ...basicValues(metrics, labels.length),
      ...Object.fromEntries(topK),
      ...(areas && areaValues(areas)),
      ...(records.probabilities && probabilityValues(records, right, weights)),
    };
    const classes = metrics.perClass.flatMap(({ precision, recall, f1 }, label) => {
      const { rocAuc, averagePrecision } = areas?.perClass[label] ?? {};
      return areas ? [precision, recall, f1, rocAuc!, averagePrecision!] : [precision, recall, f1];
    });
    return { values, classes };
  };
  return {
    metrics: Object.keys(measureNamed(ones).values),
    labels,
    support: [...countClasses(truth, predicted, labels.length, ones).support],
    classMetrics: ['precision', 'recall', 'f1', ...(rankings.length > 0 ? ['roc_auc', 'average_precision'] : [])],
    measure: (weights) => {
      const { values, classes } = measureNamed(weights);
      return [...Object.values(values), ...classes];
    },
    cost: truth.length * (6 + hitsOf.length) + 3 * rankings.reduce((sum, { order }) => sum + order.length, 0),
    notes: notesOf(records),
    details: detailsOf(records, right, ones),
  };
}

function basicValues(metrics: ClassificationMetrics, classes: number): Values {
  const { accuracy, balancedAccuracy, perClass } = metrics;
  const positive = classes === 2 ? perClass[1] : undefined;
  return {
    accuracy,
    balanced_accuracy: balancedAccuracy,
    ...(positive && { f1: positive.f1, precision: positive.precision, recall: positive.recall }),
    ...scoreValues(metrics),
    cohen_kappa: metrics.cohenKappa,
    matthews_correlation: metrics.matthewsCorrelation,
  };
}

/** Of two classes the second is the positive one, as with scikit-learn. */
function areaValues({ rocAuc, averagePrecisionMacro, perClass }: MulticlassAreas): Values {
  if (perClass.length === 2) {
    return { roc_auc: perClass[1]!.rocAuc, average_precision: perClass[1]!.averagePrecision };
  }
  return {
    roc_auc_ovr_macro: rocAuc.ovrMacro,
    roc_auc_ovr_weighted: rocAuc.ovrWeighted,
    roc_auc_ovo_macro: rocAuc.ovoMacro,
    roc_auc_ovo_weighted: rocAuc.ovoWeighted,
    average_precision_macro: averagePrecisionMacro,
  };
}

function probabilityValues(records: ClassifiedRecords, right: Uint8Array, weights: Weights): Values {
  const { confidence, losses, squares, labels } = records;
  return {
    log_loss: weightedMean(losses, weights),
    brier_score: weightedMean(squares, weights) / (labels.length === 2 ? 2 : 1),
    expected_calibration_error: expectedCalibrationError(calibrationBins(confidence, right, weights)),
  };
}

function notesOf({ labels, rankings, topK, probabilities, every }: ClassifiedRecords): string[] {
  const notes: string[] = [];
  if (labels.length === 2) notes.push(`'${labels[1]}' is the positive class of precision, recall, F1 and the areas.`);
  if (topK > 0 && rankings.length === 0) {
    notes.push('Not every answer has a score for every label (parameters.top_k): there are no areas and no log loss.');
  } else if (topK > 0 && !probabilities) {
    notes.push('The scores are no probabilities (some lie outside 0 to 1): there is no log loss and no calibration.');
  }
  if (every > 1) notes.push(`The areas and curves are of every ${every}th record: the scores of all are too many.`);
  return notes;
}

function detailsOf(records: ClassifiedRecords, right: Uint8Array, ones: Weights): Details {
  const { labels, truth, predicted, confidence, probabilities, rankings } = records;
  const small = labels.length <= mostMatrixClasses;
  const series = ['right', 'wrong'];
  return {
    confusions: mostConfused(records),
    ...(small && { confusionMatrix: confusionMatrix(truth, predicted, labels.length) }),
    ...(probabilities && {
      calibration: calibrationBins(confidence, right, ones),
      histogram: {
        of: 'Score of the predicted label',
        series,
        bins: histogramOf(confidence, (i) => 1 - right[i]!, { seriesCount: 2, range: [0, 1] }),
      },
    }),
    ...(rankings.length > 0 && curvesOf(records, ones)),
  };
}

function mostConfused({ labels, truth, predicted }: ClassifiedRecords): Confusion[] {
  const counts = new Map<number, number>();
  for (let i = 0; i < truth.length; i++) {
    if (predicted[i]! < 0 || predicted[i] === truth[i]) continue;
    const pair = truth[i]! * labels.length + predicted[i]!;
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  const most = [...counts].sort(([pairA, a], [pairB, b]) => b - a || pairA - pairB).slice(0, mostConfusions);
  return most.map(([pair, count]) => ({
    label: labels[Math.floor(pair / labels.length)]!,
    answer: labels[pair % labels.length]!,
    count,
  }));
}

/** Of two classes the positive one; of more those that are told apart worst. */
function curvesOf({ labels, truth, rankings }: ClassifiedRecords, ones: Weights): Details {
  const { perClass } = multiclassAreas(rankings, truth, ones);
  const defined = perClass.map((_, label) => label).filter((label) => !Number.isNaN(perClass[label]!.rocAuc));
  const worst = defined.sort((a, b) => perClass[a]!.rocAuc - perClass[b]!.rocAuc).slice(0, mostCurves);
  const shown = labels.length === 2 ? defined.filter((label) => label === 1) : worst;
  const draw = (of: (ranking: Ranking, positive: Uint8Array, weights: Weights) => Curve): LabelledCurve[] =>
    shown.flatMap((label) => {
      const curve = thinCurve(
        of(
          rankings[label]!,
          Uint8Array.from(truth, (own) => Number(own === label)),
          ones,
        ),
      );
      return curve ? [{ label: labels[label]!, ...curve }] : [];
    });
  return { roc: draw(rocCurve), precisionRecall: draw(precisionRecallCurve) };
}
