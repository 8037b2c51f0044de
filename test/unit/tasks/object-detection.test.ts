import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { writePng } from '../../pictures.ts';
import { constantModel, pixelValues, startModels } from '../../task-model.ts';

const models = startModels();
after(() => models.close());

/** 200 pixels wide, 100 high. */
const picture = new Uint8Array(
  writePng({ width: 200, height: 100, bits: 8, colourType: 0 }, new Array(100).fill(new Uint8Array(200).fill(90))),
);
const letterbox = { size: { height: 64, width: 64 }, do_letterbox: true };

suite('DETR', () => {
  const boxes = [0.5, 0.5, 0.2, 0.4, 0.1, 0.2, 0.1, 0.1, 0.9, 0.9, 0.4, 0.4];

  test('softmax with a class for no object: boxes become pixels of the picture, cut off to whole ones', async () => {
    const graph = constantModel([pixelValues(32), { name: 'pixel_mask', datatype: 'INT64', shape: [1, 32, 32] }], {
      logits: { shape: [1, 3, 3], values: [4, 0, 0, 0, 0, 4, 0, 1, 1.1] },
      pred_boxes: { shape: [1, 3, 4], values: boxes },
    });
    const { ask } = await models.open({
      task: 'object-detection',
      graph,
      assets: {
        'preprocessor_config.json': { feature_extractor_type: 'DetrFeatureExtractor', size: { height: 32, width: 32 } },
        'config.json': { id2label: { 0: 'cat', 1: 'dog' } },
      },
    });
    const score = Math.exp(4) / (Math.exp(4) + 2);
    const [found, ...others] = (await ask({ inputs: picture })) as { score: number }[];
    assert.deepEqual(others, []);
    assert.ok(Math.abs(found!.score - score) < 1e-6);
    assert.deepEqual(
      { ...found, score: 0 },
      { label: 'cat', score: 0, box: { xmin: 80, ymin: 30, xmax: 120, ymax: 70 } },
    );
    const more = (await ask({ inputs: picture, parameters: { threshold: 0.3 } })) as { label: string; box: unknown }[];
    // transformers does not bring boxes back into the picture.
    assert.deepEqual(more[1], { ...more[1], label: 'dog', box: { xmin: 140, ymin: 70, xmax: 220, ymax: 110 } });
  });

  test('its successors answer several labels for one box, by sigmoid', async () => {
    const { ask } = await models.open({
      task: 'object-detection',
      graph: constantModel([pixelValues(32)], {
        logits: { shape: [1, 3, 2], values: [2, 3, -4, -4, -4, 1] },
        pred_boxes: { shape: [1, 3, 4], values: boxes },
      }),
      manifest: { labels: ['cat', 'dog'], preprocessing: { size: 32 } },
    });
    const found = (await ask({ inputs: picture })) as { label: string; score: number }[];
    assert.deepEqual(
      found.map(({ label, score }) => [label, score.toFixed(4)]),
      [
        ['dog', '0.9526'],
        ['cat', '0.8808'],
        ['dog', '0.7311'],
      ],
    );
  });
});

suite('YOLO', () => {
  // On the canvas of 64×64 the picture takes the 32 rows from 16 on, at a scale of 0.32.
  const rows = [
    // centre x, centre y, width, height, cat, dog
    [32, 32, 16, 16, 0.9, 0.1],
    [33, 32, 16, 16, 0.8, 0.1],
    [33, 32, 16, 16, 0.1, 0.7],
    [4, 16, 16, 16, 0.6, 0.1],
    [50, 50, 4, 4, 0.2, 0.1],
  ];
  const expected = [
    { label: 'cat', score: 0.9, box: { xmin: 75, ymin: 25, xmax: 125, ymax: 75 } },
    { label: 'dog', score: 0.7, box: { xmin: 78, ymin: 25, xmax: 128, ymax: 75 } },
    { label: 'cat', score: 0.6, box: { xmin: 0, ymin: 0, xmax: 37, ymax: 25 } },
  ];
  const manifest = { labels: ['cat', 'dog'], preprocessing: letterbox };

  const heads: [name: string, shape: number[], values: number[], detection: object][] = [
    ['version 8, a column per box', [1, 6, 5], [0, 1, 2, 3, 4, 5].flatMap((i) => rows.map((row) => row[i]!)), {}],
    ['version 8, a row per box', [1, 5, 6], rows.flat(), { format: 'yolov8' }],
    [
      'version 5, with objectness',
      [1, 5, 7],
      rows.flatMap(([x, y, w, h, ...scores]) => [x!, y!, w!, h!, 0.5, ...scores.map((score) => score * 2)]),
      {},
    ],
    [
      'relative to the input',
      [1, 5, 6],
      rows.flatMap(([x, y, w, h, ...scores]) => [x! / 64, y! / 64, w! / 64, h! / 64, ...scores]),
      { format: 'yolov8', relative: true },
    ],
    [
      'version 10, without suppression',
      [1, 4, 6],
      [0, 2, 3, 4].flatMap((i) => {
        const [x, y, w, h, cat, dog] = rows[i] as [number, number, number, number, number, number];
        return [x - w / 2, y - h / 2, x + w / 2, y + h / 2, Math.max(cat, dog), cat > dog ? 0 : 1];
      }),
      { format: 'end_to_end' },
    ],
  ];
  for (const [name, shape, values, detection] of heads) {
    test(`${name}: overlapping boxes are left out, the others are in pixels of the picture`, async () => {
      const { ask } = await models.open({
        task: 'object-detection',
        graph: constantModel([pixelValues(64)], { output0: { shape, values } }),
        manifest: { ...manifest, preprocessing: { ...letterbox, detection } },
      });
      assertNear(await ask({ inputs: picture }), expected);
    });
  }

  test('YOLOX counts from the cells of its grids, and lays the picture at the top left', async () => {
    // 64 + 16 + 4 cells of 8, 16 and 32 pixels; cell 64 + 5 is at 16, 16.
    const values = new Array<number>(84 * 7).fill(0);
    values.splice(69 * 7, 7, 0.5, 0.25, 0, Math.log(0.55), 1, 0.9, 0.1);
    const { ask } = await models.open({
      task: 'object-detection',
      graph: constantModel([pixelValues(64)], { output: { shape: [1, 84, 7], values } }),
      manifest: {
        ...manifest,
        preprocessing: { ...letterbox, pad_position: 'top_left', detection: { format: 'yolox' } },
      },
    });
    assertNear(await ask({ inputs: picture }), [
      { label: 'cat', score: 0.9, box: { xmin: 50, ymin: 48, xmax: 100, ymax: 76 } },
    ]);
  });

  test('boxes, scores and labels as outputs of their own are taken as they are', async () => {
    const { ask } = await models.open({
      task: 'object-detection',
      graph: constantModel([pixelValues(64)], {
        boxes: { shape: [2, 4], values: [0, 0, 0.5, 0.5, 0.25, 0.25, 1, 1] },
        labels: { shape: [2], values: [1, 0], datatype: 'INT64' },
        scores: { shape: [2], values: [0.6, 0.2] },
      }),
      manifest: { labels: ['cat', 'dog'], preprocessing: { size: 64, detection: { relative: true } } },
    });
    assertNear(await ask({ inputs: picture }), [
      { label: 'dog', score: 0.6, box: { xmin: 0, ymin: 0, xmax: 100, ymax: 50 } },
    ]);
  });

  test('names, a place that counts from y and corners of TensorFlow are declared', async () => {
    const { ask } = await models.open({
      task: 'object-detection',
      graph: constantModel([pixelValues(64)], {
        detection_boxes: { shape: [1, 1, 4], values: [0.25, 0, 0.75, 0.5] },
        detection_classes: { shape: [1, 1], values: [1] },
        detection_scores: { shape: [1, 1], values: [0.75] },
      }),
      manifest: {
        labels: ['none', 'person'],
        preprocessing: {
          size: 64,
          detection: {
            format: 'boxes',
            box: 'yxyx',
            relative: true,
            outputs: { boxes: 'detection_boxes', scores: 'detection_scores', labels: 'detection_classes' },
          },
        },
      },
    });
    assertNear(await ask({ inputs: picture }), [
      { label: 'person', score: 0.75, box: { xmin: 0, ymin: 25, xmax: 100, ymax: 75 } },
    ]);
  });

  test('scores for every class, the first of which is the background', async () => {
    const { ask } = await models.open({
      task: 'object-detection',
      graph: constantModel([pixelValues(64)], {
        boxes: { shape: [1, 2, 4], values: [0, 0, 32, 32, 0, 0, 32, 32] },
        scores: { shape: [1, 2, 2], values: [0.1, 0.9, 0.2, 0.8] },
      }),
      manifest: { labels: ['none', 'face'], preprocessing: { size: 64, detection: { background: 0 } } },
    });
    assertNear(await ask({ inputs: picture }), [
      { label: 'face', score: 0.9, box: { xmin: 0, ymin: 0, xmax: 100, ymax: 50 } },
    ]);
  });

  test('a head that fits nothing is model_failed and says what to declare', async () => {
    const { ask } = await models.open({
      task: 'object-detection',
      graph: constantModel([pixelValues(64)], { output0: { shape: [1, 5, 9], values: new Array(45).fill(0) } }),
      manifest,
    });
    await assert.rejects(ask({ inputs: picture }), {
      code: 'model_failed',
      message: /output0 \[1,5,9\].*preprocessing\.detection/,
    });
  });
});

function assertNear(found: unknown, expected: { label: string; score: number; box: object }[]): void {
  const scores = found as { score: number }[];
  assert.deepEqual(
    scores.map((one) => ({ ...one, score: Math.round(one.score * 1e6) / 1e6 })),
    expected,
  );
}
