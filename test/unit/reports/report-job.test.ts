import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reportSchema } from '../../../functions/reports/report.ts';
import { reportJob } from '../../../functions/reports/report-job.ts';
import { createWorld, type JobRecord, Killed } from './report-world.ts';

const scores = (good: number) =>
  [
    { label: 'bad', score: 1 - good },
    { label: 'good', score: good },
  ].sort((a, b) => b.score - a.score);

const id = (index: number) => index.toString(16).padStart(24, '0');

/** Every fourth is wrong, and the tenth has failed. */
const records = Array.from({ length: 20 }, (_, index): JobRecord => {
  const label = index % 2 === 0 ? 'good' : 'bad';
  const base = { id: id(index), inputs: `text ${index}`, label };
  if (index === 10) return { ...base, error: { code: 'model_failed', message: 'it has no answer' } };
  const sure = 0.6 + index / 100;
  return { ...base, output: [scores((label === 'good') === (index % 4 !== 0) ? sure : 1 - sure)] };
});
const chunks = [records.slice(0, 8), records.slice(8)];

const readReport = (world: ReturnType<typeof createWorld>, job = 'j') =>
  reportSchema.parse(JSON.parse(String(world.objects.get(`reports/${job}/report.json`)?.body)));

describe('the results of a labelled job', () => {
  test('become a report with metrics, intervals and the worst answers, the page first', async () => {
    const world = createWorld();
    await reportJob(world.complete('j', 'text-classification', chunks), world.effects);
    assert.deepEqual(world.written, ['reports/j/report.html', 'evaluations/m/1/j.json', 'reports/j/report.json']);
    const { metrics, classes, worst, details, intervals, ...rest } = readReport(world);
    assert.deepEqual(rest, {
      job: 'j',
      attempt: 1,
      createdAt: '2026-11-01T10:05:00.000Z',
      model: 'm',
      modelVersion: '1',
      task: 'text-classification',
      dataset: { name: 'set', run: 'run', split: 'test' },
      records: { total: 20, evaluated: 20, failed: 1, unlabelled: 0, unusable: 0 },
      unusable: [],
      failures: [{ code: 'model_failed', message: 'it has no answer', count: 1 }],
      notes: ["'good' is the positive class of precision, recall, F1 and the areas."],
    });
    assert.deepEqual(intervals, {
      ...{ method: 'percentile bootstrap', confidence: 0.95, resamples: 1000, unit: 'record', units: 20 },
      seed: 'set run test',
    });
    assert.equal(metrics.accuracy?.value, 14 / 20);
    assert.ok(metrics.accuracy!.low! < 0.7 && metrics.accuracy!.high! > 0.7);
    assert.equal(Object.keys(metrics)[0], 'accuracy');
    assert.deepEqual(
      classes.map(({ label, support }) => [label, support]),
      [
        ['bad', 10],
        ['good', 10],
      ],
    );
    assert.deepEqual(details.confusionMatrix, [
      [10, 0],
      [5, 4],
    ]);
    assert.deepEqual(
      worst.map(({ custom_id }) => custom_id),
      [16, 12, 8, 4, 0].map(id),
    );
    assert.deepEqual([worst[0]?.label, worst[0]?.answer, worst[0]?.chunk], ['good', 'bad', 1]);
    const page = world.objects.get('reports/j/report.html')!;
    assert.equal(page.contentType, 'text/html; charset=utf-8');
    assert.match(String(page.body), /text 16/);
  });

  test('are drawn by group where records have one', async () => {
    const world = createWorld();
    const grouped = chunks.map((chunk) => chunk.map((record, index) => ({ ...record, group: `speaker ${index % 3}` })));
    await reportJob(world.complete('j', 'text-classification', grouped), world.effects);
    const { intervals } = readReport(world);
    assert.deepEqual([intervals.unit, intervals.units], ['group', 3]);
  });

  test('are reported once, whatever comes twice or dies at any call', async () => {
    const numbers = [1, 2, 3].map((label) => ({ id: id(label), inputs: { a: label }, label, output: [label + 0.5] }));
    const complete = (world: ReturnType<typeof createWorld>) => world.complete('j', 'tabular-regression', [numbers]);
    const whole = createWorld();
    await reportJob(complete(whole), whole.effects);
    const expected = [...whole.objects].map(([key, { etag }]) => [key, etag]);
    for (let at = 1; at <= whole.calls; at++) {
      const world = createWorld();
      const key = complete(world);
      world.killAt(at);
      await assert.rejects(reportJob(key, world.effects), Killed, `call ${at}`);
      world.killAt(0);
      await Promise.all([reportJob(key, world.effects), reportJob(key, world.effects)]);
      await reportJob(key, world.effects);
      assert.deepEqual(
        [...world.objects].map(([name, { etag }]) => [name, etag]),
        expected,
        `call ${at}`,
      );
      assert.ok(world.written.length <= 3, `call ${at}`);
    }
  });

  test('of a later attempt take the place of an earlier one, and never the other way round', async () => {
    const world = createWorld();
    const better = chunks.map((chunk) => chunk.map(({ error, ...record }) => ({ output: [scores(0.9)], ...record })));
    await reportJob(world.complete('j', 'text-classification', chunks), world.effects);
    await reportJob(world.complete('j', 'text-classification', better, { attempt: 2 }), world.effects);
    assert.equal(readReport(world).attempt, 2);
    assert.equal(readReport(world).records.failed, 0);
    await reportJob(world.complete('j', 'text-classification', chunks), world.effects);
    assert.equal(readReport(world).attempt, 2);
  });

  test('that are being replaced are a conflict, which comes again', async () => {
    const world = createWorld();
    const key = world.complete('j', 'text-classification', chunks);
    world.put('results/j/part-1.jsonl', Buffer.from(''));
    await assert.rejects(reportJob(key, world.effects), { code: 'conflict', message: /later attempt/ });
    world.objects.delete('results/j/part-1.jsonl');
    await assert.rejects(reportJob(key, world.effects), { code: 'conflict' });
    assert.deepEqual(world.written, []);
  });

  test('without labels, not completed, or of a task whose answers cannot be compared, have no report', async () => {
    const world = createWorld();
    for (const changes of [{ labelled: false }, { status: 'CANCELLED' }, { status: 'FAILED' }] as const) {
      await reportJob(world.complete('j', 'text-classification', chunks, changes), world.effects);
    }
    await reportJob(world.complete('j', 'feature-extraction', chunks), world.effects);
    await reportJob('results/j/part-0.jsonl', world.effects);
    await reportJob('results/other/manifest.json', world.effects);
    assert.deepEqual(world.written, []);
  });

  test('that cannot be compared are told with the reason, and the others count', async () => {
    const world = createWorld();
    const odd: JobRecord[] = [
      { id: id(1), inputs: 'a', label: 'good', output: [scores(0.9)] },
      { id: id(2), inputs: 'b', label: { what: 1 }, output: [scores(0.9)] },
      { id: id(3), inputs: 'c', label: 'good', output: 'what?' },
      { id: id(4), inputs: 'd', output: [scores(0.9)] },
    ];
    await reportJob(world.complete('j', 'text-classification', [odd]), world.effects);
    const { records: counted, unusable, metrics } = readReport(world);
    assert.deepEqual(counted, { total: 4, evaluated: 1, failed: 0, unlabelled: 1, unusable: 2 });
    assert.deepEqual(
      unusable.map(({ custom_id }) => custom_id),
      [id(2), id(3)],
    );
    assert.match(unusable[0]!.reason, /the label is \{"what":1\}; a text is needed/);
    assert.equal(metrics.accuracy?.value, 1);
  });

  test('where every record has failed are reported too', async () => {
    const world = createWorld();
    const all = records.map(({ output, ...record }) => ({ ...record, error: { code: 'internal', message: 'no' } }));
    await reportJob(world.complete('j', 'text-classification', [all]), world.effects);
    assert.equal(readReport(world).metrics.accuracy?.value, 0);
    assert.equal(readReport(world).metrics.log_loss, undefined);
  });

  test('put no tag of their own into the page, whatever labels and texts they have', async () => {
    const world = createWorld();
    const hostile = '"><script>alert(1)</script>';
    const one = { id: id(1), inputs: hostile, label: hostile, output: [[{ label: `${hostile}2`, score: 0.9 }]] };
    await reportJob(world.complete('j', 'text-classification', [[one]]), world.effects);
    assert.doesNotMatch(String(world.objects.get('reports/j/report.html')?.body), /<script/);
  });
});
