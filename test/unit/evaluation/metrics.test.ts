import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bootstrapInterval } from '../../../functions/evaluation/bootstrap.ts';
import { classificationMetrics, confusionMatrix } from '../../../functions/evaluation/classification-metrics.ts';
import { detectionMetrics, intersectionOverUnion } from '../../../functions/evaluation/detection-metrics.ts';
import { characterErrorRate, wordErrorRate } from '../../../functions/evaluation/error-rate.ts';
import { mcnemar } from '../../../functions/evaluation/mcnemar.ts';
import {
  brierScore,
  calibrationBins,
  expectedCalibrationError,
  logLoss,
  topKAccuracy,
} from '../../../functions/evaluation/probability-metrics.ts';
import { averagePrecision, multiclassRocAuc, rocAuc } from '../../../functions/evaluation/ranking-metrics.ts';
import { regressionMetrics } from '../../../functions/evaluation/regression-metrics.ts';

const near = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe('classification', () => {
  test('labels are text of any kind, and one that never occurs has zeros', () => {
    const labels = ['ja', '__proto__', '猫'];
    const matrix = confusionMatrix(['ja', 'ja', '__proto__'], ['ja', '__proto__', '__proto__'], labels);
    assert.deepEqual(matrix, [
      [1, 1, 0],
      [0, 1, 0],
      [0, 0, 0],
    ]);
    const metrics = classificationMetrics(matrix);
    near(metrics.balancedAccuracy, 0.75);
    near(metrics.macro.recall, 0.5);
    assert.deepEqual(metrics.perClass[2], { precision: 0, recall: 0, f1: 0, support: 0 });
  });
});

/** Truth and scores with ties; the expected values below are scikit-learn's. */
const truth = [0, 1, 2, 2, 1, 0, 2, 1, 0, 2, 2, 1];
const scores = [
  [0.571429, 0.142857, 0.285714],
  [0.272727, 0.363636, 0.363637],
  [0.444444, 0.444444, 0.111112],
  [0.222222, 0.333333, 0.444445],
  [0.166667, 0.333333, 0.5],
  [0.428571, 0.428571, 0.142858],
  [0.5, 0.375, 0.125],
  [0.111111, 0.444444, 0.444445],
  [0.166667, 0.166667, 0.666666],
  [0.4, 0.3, 0.3],
  [0.666667, 0.166667, 0.166666],
  [0.571429, 0.285714, 0.142857],
];

describe('scores', () => {
  test('the area under the ROC curve of many classes equals that of scikit-learn in all four ways', () => {
    near(multiclassRocAuc(truth, scores, { method: 'ovr', average: 'macro' }), 0.4716490299823633);
    near(multiclassRocAuc(truth, scores, { method: 'ovr', average: 'weighted' }), 0.451058201058201);
    near(multiclassRocAuc(truth, scores, { method: 'ovo', average: 'macro' }), 0.4875);
    near(multiclassRocAuc(truth, scores, { method: 'ovo', average: 'weighted' }), 0.47413194444444445);
  });

  test('a class without examples is left out of the mean area, and one class alone has none', () => {
    const two = truth.flatMap((label, index) => (label === 2 ? [] : [index]));
    const [some, given] = [two.map((index) => truth[index]!), two.map((index) => scores[index]!)];
    const area = multiclassRocAuc(some, given, { method: 'ovr', average: 'macro' });
    near(area, multiclassRocAuc(some, given, { method: 'ovo', average: 'macro' }));
    assert.equal(multiclassRocAuc([1, 1], given.slice(0, 2), { method: 'ovr', average: 'macro' }), Number.NaN);
    assert.equal(rocAuc({ positive: [], scores: [] }), Number.NaN);
    assert.equal(averagePrecision({ positive: [false], scores: [1] }), Number.NaN);
  });

  test('equal scores are one step of the curves', () => {
    const positive = [0, 1, 1, 0, 1, 0, 1, 1].map(Boolean);
    const tied = { positive, scores: [0.5, 0.5, 0.5, 0.2, 0.9, 0.9, 0.2, 0.7] };
    near(rocAuc(tied), 0.5333333333333334);
    near(averagePrecision(tied), 0.625);
    near(brierScore(positive, tied.scores), 0.2925);
    const probabilities = tied.scores.map((score) => [1 - score, score]);
    near(logLoss({ truth: positive.map(Number), probabilities }), 0.8345804447523437);
  });

  test('log loss, top-k accuracy and calibration take the probabilities of all classes', () => {
    near(logLoss({ truth, probabilities: scores }), 1.2879920926200754, 1e-9);
    near(topKAccuracy(truth, scores, 1), 2 / 12);
    near(topKAccuracy(truth, scores, 2), 8 / 12);
    assert.ok(Number.isFinite(logLoss({ truth: [1], probabilities: [[1, 0]] })));
    const bins = calibrationBins(
      {
        truth: [0, 0, 1, 1],
        probabilities: [
          [1, 0],
          [0.8, 0.2],
          [0.8, 0.2],
          [0, 1],
        ],
      },
      5,
    );
    assert.deepEqual(
      bins.map(({ count }) => count),
      [0, 0, 0, 2, 2],
    );
    near(expectedCalibrationError(bins), (2 * Math.abs(0.8 - 0.5) + 0) / 4);
  });
});

describe('speech', () => {
  test('rates are over all texts together, and characters are code points', () => {
    const { errorRate } = wordErrorRate(['a b c', 'd'], ['a c', 'd e']);
    near(errorRate, 2 / 4);
    near(characterErrorRate(['naïve 🐈'], ['naive 🐈']).errorRate, 1 / 7);
    assert.equal(wordErrorRate(['a'], ['']).informationLost, 1);
    assert.throws(() => wordErrorRate(['a', '  '], ['a', 'b']), { code: 'invalid_request', message: /reference 1/ });
  });
});

describe('detection', () => {
  const box = (xmin: number, ymin: number, xmax: number, ymax: number) => ({ xmin, ymin, xmax, ymax });

  test('boxes overlap by intersection over union', () => {
    near(intersectionOverUnion(box(0, 0, 10, 10), box(5, 0, 15, 10)), 1 / 3);
    assert.equal(intersectionOverUnion(box(0, 0, 1, 1), box(1, 0, 2, 1)), 0);
    assert.equal(intersectionOverUnion(box(3, 3, 3, 3), box(3, 3, 3, 3)), 0);
  });

  test('a hit found twice counts once, and a box that fits loosely counts at low thresholds alone', () => {
    const truth = [
      { label: 'cat', box: box(0, 0, 10, 10) },
      { label: 'dog', box: box(20, 0, 30, 10) },
    ];
    const detections = [
      { label: 'cat', score: 0.9, box: box(0, 0, 10, 10) },
      { label: 'cat', score: 0.8, box: box(0, 0, 10, 10) },
      { label: 'dog', score: 0.7, box: box(20, 0, 30, 8) },
      { label: 'mouse', score: 0.6, box: box(0, 0, 1, 1) },
    ];
    const metrics = detectionMetrics([{ truth, detections }]);
    assert.equal(metrics.perClass.cat, 1);
    near(metrics.perClass.dog!, 0.7); // an overlap of 0.8 passes the thresholds .5 to .8
    near(metrics.meanAveragePrecision, 0.85);
    assert.deepEqual([metrics.meanAveragePrecision50, metrics.meanAveragePrecision75], [1, 1]);
    assert.deepEqual(Object.keys(metrics.perClass), ['cat', 'dog']);
  });

  test('precision is read at 101 recalls, over all pictures, best scores first', () => {
    const picture = (score: number, hit: boolean) => ({
      truth: [{ label: 'cat', box: box(0, 0, 10, 10) }],
      detections: [{ label: 'cat', score, box: hit ? box(0, 0, 10, 10) : box(50, 50, 60, 60) }],
    });
    const metrics = detectionMetrics([picture(0.9, true), picture(0.8, false), picture(0.7, true)]);
    // Recall 1/3 with precision 1 holds for 0 to .33, recall 2/3 with 2/3 for .34 to .66.
    near(metrics.meanAveragePrecision50, (34 + 33 * (2 / 3)) / 101);
    assert.equal(detectionMetrics([]).meanAveragePrecision, Number.NaN);
  });
});

test('regression equals scikit-learn, also where the truth never changes', () => {
  const metrics = regressionMetrics([3, -0.5, 2, 7, 4.25], [2.5, 0, 2, 8, 4]);
  near(metrics.meanAbsoluteError, 0.45);
  near(metrics.rootMeanSquaredError, 0.5590169943749475);
  near(metrics.r2, 0.9491042345276873);
  assert.deepEqual([regressionMetrics([2, 2], [2, 2]).r2, regressionMetrics([2, 2], [2, 3]).r2], [1, 0]);
});

test('a bootstrap interval is the same for the same seed and holds what a normal interval holds', () => {
  const right = Array.from({ length: 400 }, (_, index) => index % 4 !== 0);
  const accuracy = (examples: Uint32Array) => examples.reduce((sum, i) => sum + Number(right[i]), 0) / examples.length;
  const interval = bootstrapInterval(400, accuracy, { seed: 'a' });
  assert.deepEqual(bootstrapInterval(400, accuracy, { seed: 'a' }), interval);
  assert.notDeepEqual(bootstrapInterval(400, accuracy, { seed: 'b' }), interval);
  const halfWidth = 1.96 * Math.sqrt((0.75 * 0.25) / 400);
  near(interval.low, 0.75 - halfWidth, 0.008);
  near(interval.high, 0.75 + halfWidth, 0.008);
  assert.deepEqual(
    bootstrapInterval(3, () => Number.NaN, { seed: 'a' }),
    { low: Number.NaN, high: Number.NaN },
  );
});

test('the exact McNemar test equals the binomial test, from no difference to a million', () => {
  near(mcnemar(5, 15), 0.04138946533203125);
  near(mcnemar(3, 0), 0.25);
  assert.equal(mcnemar(7, 7), 1);
  assert.equal(mcnemar(0, 0), 1);
  near(mcnemar(480, 600), 0.00028957290293582467);
  assert.ok(mcnemar(500_000, 500_100) > 0.9);
});
