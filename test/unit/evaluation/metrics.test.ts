import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compareAnswer } from '../../../functions/evaluation/answer-metrics.ts';
import { bootstrapIntervals } from '../../../functions/evaluation/bootstrap.ts';
import { createEvaluator } from '../../../functions/evaluation/create-evaluator.ts';
import { intersectionOverUnion } from '../../../functions/evaluation/intersection-over-union.ts';
import { mcnemar } from '../../../functions/evaluation/mcnemar.ts';
import { binaryAreas, rankScores } from '../../../functions/evaluation/ranking-metrics.ts';
import { regressionMetrics } from '../../../functions/evaluation/regression-metrics.ts';
import { equalWeights, type Weights } from '../../../functions/evaluation/weights.ts';
import { encodePng } from '../../../functions/media/image.ts';
import type { TaskName } from '../../../functions/tasks/task-names.ts';
import { measure, scored, tagged } from './measure-cases.ts';
import { metricCases } from './metric-cases.ts';

const near = (actual: number | undefined, expected: number, what = '') =>
  assert.ok(Math.abs(Number(actual) - expected) <= 1e-9, `${what}: ${actual} is not ${expected}`);

type Pairs = readonly (readonly [label: unknown, output: unknown])[];

const evaluate = (task: TaskName, pairs: Pairs, weights?: Weights) =>
  measure(createEvaluator(task, pairs.length, pairs[0]?.[0])!, pairs, weights);

/** Compares those metrics that are expected; null: not defined. */
async function check(task: TaskName, pairs: Pairs, expected: Record<string, unknown>): Promise<void> {
  const { values } = await evaluate(task, pairs);
  for (const [name, value] of Object.entries(expected)) {
    if (value === null) assert.equal(values[name], Number.NaN, name);
    else if (typeof value === 'number') near(values[name], value, `${task} ${name}`);
  }
}

describe('the same as others', () => {
  test('classification with ties, absent classes and text labels equals scikit-learn', async () => {
    for (const { labels, truth, scores, expected } of metricCases.classification) {
      const pairs = truth.map((label, i) => [labels[label], scored(labels, scores[i]!)] as const);
      await check('text-classification', pairs, expected);
      const { classes } = await evaluate('text-classification', pairs);
      for (const [i, label] of labels.entries()) near(classes[label]?.f1, expected.per_class_f1[i]!, `F1 of ${label}`);
    }
  });

  test('several labels for each record, and numbers, equal scikit-learn', async () => {
    const names = ['a', 'b', 'c'];
    for (const { truth, scores, expected } of metricCases.multi_label) {
      const pairs = truth.map((row, i) => [names.filter((_, at) => row[at]), scored(names, scores[i]!)] as const);
      await check('image-classification', pairs, expected);
    }
    for (const { truth, predicted, expected } of metricCases.regression) {
      const pairs = truth.map((label, i) => [label, [predicted[i]]] as const);
      await check('tabular-regression', pairs, expected);
    }
  });

  test('correlations equal scipy, error rates jiwer, entities seqeval, and boxes pycocotools', async () => {
    for (const { truth, given, expected } of metricCases.similarity) {
      const pairs = truth.map((label, i) => [label, [given[i]]] as const);
      await check('sentence-similarity', pairs, expected);
    }
    for (const { references, hypotheses, expected } of metricCases.speech) {
      const pairs = references.map((text, i) => [text, { text: hypotheses[i] }] as const);
      await check('automatic-speech-recognition', pairs, expected);
    }
    for (const { truth, predicted, expected } of metricCases.entities) {
      const pairs = truth.map((tags, i) => [tagged(tags), tagged(predicted[i]!)] as const);
      await check('token-classification', pairs, expected);
    }
    for (const { pictures, expected } of metricCases.detection) {
      const pairs = pictures.map(({ truth, detections }) => [truth, detections] as const);
      await check('object-detection', pairs, expected);
    }
  });
});

describe('classification', () => {
  test('labels are text of any kind, and a record that failed is wrong and of no class', async () => {
    const pairs = [
      ['ja', scored(['ja', '__proto__', '猫'], [0.5, 0.3, 0.2])],
      ['ja', scored(['ja', '__proto__', '猫'], [0.1, 0.7, 0.2])],
      ['__proto__', undefined],
      ['__proto__', scored(['ja', '__proto__', '猫'], [0, 1, 0])],
    ] as const;
    const { values, classes, support, details } = await evaluate('text-classification', pairs);
    assert.equal(values.accuracy, 0.5);
    near(values.precision_micro, 2 / 3);
    near(values.recall_micro, 0.5);
    assert.deepEqual(Object.keys(classes), ['__proto__', 'ja', '猫']);
    assert.deepEqual(support, [2, 2, 0]);
    assert.deepEqual(details.confusionMatrix, [
      [1, 0, 0],
      [1, 1, 0],
      [0, 0, 0],
    ]);
    assert.deepEqual(details.confusions, [{ label: 'ja', answer: '__proto__', count: 1 }]);
  });

  test('without the scores of all labels there are no areas and no log loss, and a note says why', async () => {
    const pairs = [
      ['a', [{ label: 'a', score: 0.9 }]],
      ['b', [{ label: 'c', score: 0.4 }]],
    ] as const;
    const { values, notes } = await evaluate('text-classification', pairs);
    assert.deepEqual([values.accuracy, values.roc_auc_ovr_macro, values.log_loss], [0.5, undefined, undefined]);
    assert.match(notes.join(), /top_k/);
  });

  test('scores that are no probabilities are ranked, and have no log loss', async () => {
    const { values, notes } = await evaluate('text-classification', [
      ['a', scored(['a', 'b'], [3, -1])],
      ['b', scored(['a', 'b'], [-2, 5])],
    ]);
    assert.deepEqual([values.roc_auc, values.log_loss], [1, undefined]);
    assert.match(notes.join(), /no probabilities/);
  });

  test('a label that the model does not know lets the others have their areas', async () => {
    const { values, classes } = await evaluate('text-classification', [
      ['a', scored(['a', 'b'], [0.8, 0.2])],
      ['b', scored(['a', 'b'], [0.3, 0.7])],
      ['new', scored(['a', 'b'], [0.5, 0.5])],
    ]);
    near(classes.new?.roc_auc, 0.5);
    near(classes.a?.roc_auc, 1);
    assert.ok(values.log_loss! > 10);
  });

  test('one class alone has no area, and scores that are not numbers are refused', () => {
    const area = binaryAreas(rankScores([0.2, 0.3]), [true, true], equalWeights(2));
    assert.deepEqual(area, { rocAuc: Number.NaN, averagePrecision: 1 });
    assert.throws(() => rankScores([1, Number.NaN]), { code: 'invalid_request', message: /example 1/ });
    const evaluator = createEvaluator('text-classification', 1, 'a')!;
    assert.throws(() => evaluator.add(0, 'a', [{ label: 'a', score: Number.NaN }]), { code: 'invalid_request' });
    assert.throws(() => evaluator.add(0, null, []), { code: 'invalid_request', message: /label is null; a text/ });
  });
});

describe('other tasks', () => {
  test('error rates are over all texts together, characters are code points, and a record that failed is silence', async () => {
    const { values } = await evaluate('automatic-speech-recognition', [
      ['a b c', { text: 'a c' }],
      ['d', { text: 'd e' }],
      ['naïve 🐈', undefined],
      ['', { text: '' }],
    ]);
    near(values.word_error_rate, 4 / 6);
    near(values.character_error_rate, (2 + 2 + 7) / 13);
    near(values.sentence_accuracy, 1 / 4);
  });

  test('boxes overlap by intersection over union, of a crowd over the box alone', () => {
    const box = (xmin: number, ymin: number, xmax: number, ymax: number) => ({ xmin, ymin, xmax, ymax });
    near(intersectionOverUnion(box(0, 0, 10, 10), box(5, 0, 15, 10)), 1 / 3);
    near(intersectionOverUnion(box(0, 0, 10, 10), box(5, 0, 15, 10), true), 1 / 2);
    assert.equal(intersectionOverUnion(box(0, 0, 1, 1), box(1, 0, 2, 1)), 0);
    assert.equal(intersectionOverUnion(box(3, 3, 3, 3), box(3, 3, 3, 3)), 0);
  });

  test('nothing to find gives no precision, and the mean overlap is over all objects', async () => {
    const box = { xmin: 0, ymin: 0, xmax: 10, ymax: 10 };
    const empty = await evaluate('object-detection', [[[], []]]);
    assert.deepEqual([empty.values.map, empty.values.mean_iou], [Number.NaN, Number.NaN]);
    const { values } = await evaluate('object-detection', [
      [[{ label: 'cat', box }], [{ label: 'cat', score: 0.9, box: { ...box, xmax: 5 } }]],
      [[{ label: 'cat', box }], undefined],
    ]);
    near(values.mean_iou, 0.25);
  });

  test('masks are compared pixel by pixel, class by class', async () => {
    const mask = async (pixels: number[]) => {
      const data = Uint8Array.from(pixels, (inside) => 255 * inside);
      return Buffer.from(await encodePng({ width: 4, height: 1, channels: 1, data })).toString('base64');
    };
    const { values, classes } = await evaluate('image-segmentation', [
      [
        [{ label: 'sky', mask: await mask([1, 1, 1, 0]) }],
        [
          { label: 'sky', mask: await mask([0, 1, 1, 0]) },
          { label: 'sea', mask: await mask([0, 0, 0, 1]) },
        ],
      ],
    ]);
    near(classes.sky?.iou, 2 / 3);
    near(values.mean_iou, 1 / 3);
    near(values.pixel_accuracy, 2 / 3);
  });

  test('an answer is compared with the accepted one that fits best, without articles and punctuation', () => {
    assert.deepEqual(compareAnswer(['The Eiffel Tower', 'Paris'], 'eiffel tower!'), { exactMatch: 1, f1: 1 });
    near(compareAnswer(['in the year 1889'], 'year 1889 or so').f1, 2 / 3.5);
    assert.deepEqual(compareAnswer([], ''), { exactMatch: 1, f1: 1 });
    assert.deepEqual(compareAnswer([''], 'something'), { exactMatch: 0, f1: 0 });
  });

  test('a masked word counts where it is among the first k', async () => {
    const words = (...given: string[]) => given.map((token_str, i) => ({ token_str, score: 1 / (i + 2) }));
    const { values } = await evaluate('fill-mask', [
      ['blue', words('blue', 'green')],
      ['red', words('green', ' red')],
      ['grey', undefined],
    ]);
    assert.deepEqual(values, { accuracy: 1 / 3, top_2_accuracy: 2 / 3, mean_reciprocal_rank: 0.5 });
  });

  test('where the truth never changes, r2 is 1 if it is met and 0 if not; a correlation is not defined', async () => {
    const r2 = (predicted: number[]) => regressionMetrics([2, 2], predicted, equalWeights(2)).r2;
    assert.deepEqual([r2([2, 2]), r2([2, 3])], [1, 0]);
    const { values } = await evaluate('sentence-similarity', [
      [
        [2, 2],
        [0.1, 0.2],
      ],
    ]);
    assert.deepEqual(values, { spearman: Number.NaN, pearson: Number.NaN });
  });
});

describe('intervals', () => {
  const right = Array.from({ length: 400 }, (_, index) => Number(index % 4 !== 0));
  const accuracy = (weights: Weights) => [right.reduce((sum, value, i) => sum + value * weights[i]!, 0) / 400];

  test('are the same for the same seed, and hold what a normal interval holds', () => {
    const interval = bootstrapIntervals(400, accuracy, { seed: 'a' });
    assert.deepEqual(bootstrapIntervals(400, accuracy, { seed: 'a' }), interval);
    assert.notDeepEqual(bootstrapIntervals(400, accuracy, { seed: 'b' }), interval);
    const halfWidth = 1.96 * Math.sqrt((0.75 * 0.25) / 400);
    assert.ok(Math.abs(interval[0]!.low - (0.75 - halfWidth)) < 0.008);
    assert.ok(Math.abs(interval[0]!.high - (0.75 + halfWidth)) < 0.008);
    const none = bootstrapIntervals(3, () => [Number.NaN], { seed: 'a' });
    assert.deepEqual(none, [{ low: Number.NaN, high: Number.NaN }]);
  });

  test('are wider where records of a group, which are right or wrong together, are drawn together', () => {
    const groups = right.map((_, index) => Math.floor(index / 40));
    const clustered = groups.map((group) => Number(group % 4 !== 0));
    const mean = (weights: Weights) => {
      const total = groups.reduce((sum, _, i) => sum + weights[i]!, 0);
      return [clustered.reduce((sum, value, i) => sum + value * weights[i]!, 0) / total];
    };
    const width = ([interval]: { low: number; high: number }[]) => interval!.high - interval!.low;
    const alone = bootstrapIntervals(400, mean, { seed: 'a' });
    assert.ok(width(bootstrapIntervals(400, mean, { seed: 'a', groups })) > 4 * width(alone));
  });

  test('every metric of a weighted sample is that of the sample written out', async () => {
    const { labels, truth, scores } = metricCases.classification[0]!;
    const pairs = truth.map((label, i) => [labels[label], scored(labels, scores[i]!)] as const);
    const weights = pairs.map((_, i) => (i * 7) % 4);
    const written = pairs.flatMap((pair, i) => Array.from({ length: weights[i]! }, () => pair));
    const [weighted, whole] = [
      await evaluate('text-classification', pairs, weights),
      await evaluate('text-classification', written),
    ];
    for (const [name, value] of Object.entries(whole.values)) near(weighted.values[name], value, name);
    const boxes = metricCases.detection[0]!.pictures.map(({ truth, detections }) => [truth, detections] as const);
    const pictures = boxes.map((_, i) => 1 + (i % 2));
    const twice = boxes.flatMap((pair, i) => Array.from({ length: pictures[i]! }, () => pair));
    const [a, b] = [await evaluate('object-detection', boxes, pictures), await evaluate('object-detection', twice)];
    near(a.values.mar_100, b.values.mar_100!, 'mar_100');
  });
});

test('the exact McNemar test equals the binomial test, from no difference to a million', () => {
  near(mcnemar(5, 15), 0.04138946533203125);
  near(mcnemar(3, 0), 0.25);
  assert.equal(mcnemar(7, 7), 1);
  assert.equal(mcnemar(0, 0), 1);
  near(mcnemar(480, 600), 0.00028957290293582467);
  assert.ok(mcnemar(500_000, 500_100) > 0.9);
});
