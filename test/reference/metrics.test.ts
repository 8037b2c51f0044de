import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  classificationMetrics,
  confusionMatrix,
  countClasses,
} from '../../functions/evaluation/classification-metrics.ts';
import { alignUnits, errorRate, splitWords } from '../../functions/evaluation/error-rate.ts';
import { logLoss, squaredError } from '../../functions/evaluation/probability-metrics.ts';
import { binaryAreas, rankScores, rocCurve } from '../../functions/evaluation/ranking-metrics.ts';
import { equalWeights, weightedMean } from '../../functions/evaluation/weights.ts';

const folder = new URL('../../../shared/data/metrics/', import.meta.url);
const skip = !existsSync(folder) && '../shared/data/metrics is absent';

interface Averages {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

interface Case {
  readonly name: string;
  readonly labels: unknown[];
  readonly y_true: unknown[];
  readonly y_pred: unknown[];
  readonly y_score?: number[];
  readonly expected: Record<string, number> & {
    readonly confusion_matrix: number[][];
    readonly per_class: Record<keyof Averages | 'support', number[]>;
    readonly roc_curve: { readonly fpr: number[]; readonly tpr: number[] };
  } & Record<'avg_micro' | 'avg_macro' | 'avg_weighted', Averages>;
}

/** Compares numbers, also inside objects and lists, to 1e-9; null stands for NaN. */
function near(actual: unknown, expected: unknown, place: string): void {
  if (typeof actual === 'number' && typeof expected === 'number') {
    assert.ok(Math.abs(actual - expected) <= 1e-9, `${place}: ${actual} is not ${expected}`);
  } else if (expected === null) assert.ok(Number.isNaN(actual), `${place}: ${actual} is not NaN`);
  else {
    assert.deepEqual(Object.keys(actual as object), Object.keys(expected as object), place);
    for (const [name, value] of Object.entries(expected as object)) {
      near((actual as Record<string, unknown>)[name], value, `${place}.${name}`);
    }
  }
}

describe('metrics', { skip }, () => {
  test("classification metrics equal scikit-learn's", () => {
    const text = readFileSync(new URL('sklearn-cases.json', folder), 'utf8').replaceAll(/\bNaN\b/g, 'null');
    const { cases } = JSON.parse(text) as { cases: Case[] };
    assert.ok(cases.length > 20);
    for (const { name, labels, y_true, y_pred, y_score, expected } of cases) {
      const names = labels.map(String);
      const [truth, predicted] = [y_true, y_pred].map((all) => all.map((label) => names.indexOf(String(label))));
      near(confusionMatrix(truth!, predicted!, labels.length), expected.confusion_matrix, name);
      const ones = equalWeights(y_true.length);
      const counts = countClasses(truth!, predicted!, labels.length, ones);
      const metrics = classificationMetrics(counts);
      const { accuracy, balanced_accuracy, cohen_kappa, matthews_corrcoef, per_class } = expected;
      near(metrics.accuracy, accuracy, `${name} accuracy`);
      near(metrics.balancedAccuracy, balanced_accuracy, `${name} balanced accuracy`);
      near(metrics.cohenKappa, cohen_kappa, `${name} kappa`);
      near(metrics.matthewsCorrelation, matthews_corrcoef, `${name} correlation`);
      for (const kind of ['micro', 'macro', 'weighted'] as const) {
        near(metrics[kind], expected[`avg_${kind}`], `${name} ${kind}`);
      }
      for (const field of ['precision', 'recall', 'f1', 'support'] as const) {
        const values = field === 'support' ? [...counts.support] : metrics.perClass.map((scored) => scored[field]);
        near(values, per_class[field], `${name} ${field}`);
      }
      if (y_score) checkScores(y_true.map(Number), y_score, expected, name);
    }
  });

  function checkScores(truth: number[], scores: number[], expected: Case['expected'], name: string): void {
    const positive = truth.map(Boolean);
    const ones = equalWeights(truth.length);
    const ranking = rankScores(scores);
    const areas = binaryAreas(ranking, positive, ones);
    near(areas.rocAuc, expected.roc_auc, `${name} area`);
    near(areas.averagePrecision, expected.average_precision, `${name} average precision`);
    const { x: fpr, y: tpr } = rocCurve(ranking, positive, ones);
    near({ fpr, tpr }, expected.roc_curve, `${name} curve`);
    const probabilities = scores.map((score) => [1 - score, score]);
    const mean = (of: typeof logLoss) =>
      weightedMean(
        truth.map((label, i) => of(probabilities[i]!, label)),
        ones,
      );
    near(mean(squaredError) / 2, expected.brier, `${name} Brier score`);
    near(mean(logLoss), expected.log_loss, `${name} log loss`);
  }

  test("word error rates equal jiwer's, alone and over all texts", () => {
    const { cases } = JSON.parse(readFileSync(new URL('wer-cases.json', folder), 'utf8')) as {
      cases: { ref: string; hyp: string; wer: number; mer: number; wil: number }[];
    };
    for (const { ref, hyp, wer, mer, wil } of cases) {
      const rates = errorRate(alignUnits(splitWords(ref), splitWords(hyp)));
      near(rates, { errorRate: wer, matchErrorRate: mer, informationLost: wil }, ref);
    }
  });
});
