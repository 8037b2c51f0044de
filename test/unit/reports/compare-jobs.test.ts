import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { renderComparison } from '../../../commands/render-comparison.ts';
import { compareJobs } from '../../../functions/reports/compare-jobs.ts';
import { reportJob } from '../../../functions/reports/report-job.ts';
import { createWorld, type JobRecord } from './report-world.ts';

const id = (index: number) => index.toString(16).padStart(24, '0');

/** A job whose answer to record i is right where `isRight` says so; 40 records, half of either class. */
const answers = (isRight: (index: number) => boolean): JobRecord[] =>
  Array.from({ length: 40 }, (_, index) => {
    const label = index % 2 === 0 ? 'a' : 'b';
    const other = label === 'a' ? 'b' : 'a';
    const best = isRight(index) ? label : other;
    const output = [
      { label: best, score: 0.7 },
      { label: best === 'a' ? 'b' : 'a', score: 0.3 },
    ];
    return { id: id(index), inputs: `text ${index}`, label, output: [output] };
  });

async function createJobs() {
  const world = createWorld();
  const make = async (job: string, records: readonly JobRecord[], changes = {}) => {
    await reportJob(
      world.complete(job, 'text-classification', [records.slice(0, 15), records.slice(15)], changes),
      world.effects,
    );
  };
  await make(
    'old',
    answers((index) => index >= 20),
  );
  await make(
    'new',
    answers((index) => index >= 4 && index !== 39),
    { modelVersion: '2' },
  );
  return { world, make, compare: (a: string, b: string, most?: number) => compareJobs(a, b, world.effects, most) };
}

describe('two jobs over the same records', () => {
  test('differ by their metrics, with intervals from the same samples, and by the records that flipped', async () => {
    const { compare } = await createJobs();
    const { metrics, classes, fixed, broken, ...rest } = await compare('old', 'new');
    assert.deepEqual(rest, {
      a: { job: 'old', model: 'm', modelVersion: '1' },
      b: { job: 'new', model: 'm', modelVersion: '2' },
      task: 'text-classification',
      dataset: { name: 'set', run: 'run', split: 'test' },
      records: { compared: 40, onlyInA: 0, onlyInB: 0 },
      resamples: 1000,
      mcnemar: { bothRight: 19, onlyA: 1, onlyB: 16, bothWrong: 4, p: 0.0002746582031249999 },
    });
    const { a, b, difference } = metrics.accuracy!;
    assert.deepEqual([a, b, difference.value], [0.5, 0.875, 0.375]);
    assert.ok(difference.low! > 0.15 && difference.high! < 0.6, JSON.stringify(difference));
    assert.deepEqual(
      classes.map(({ label }) => label),
      ['a', 'b'],
    );
    assert.equal(fixed.length, 16);
    assert.deepEqual(fixed[0], { custom_id: id(4), label: 'a', a: 'b', b: 'a', source: `raw/set/${id(4)}` });
    assert.deepEqual(broken, [{ custom_id: id(39), label: 'b', a: 'b', b: 'a', source: `raw/set/${id(39)}` }]);
  });

  test('are one when they answered the same', async () => {
    const { compare, make } = await createJobs();
    await make(
      'same',
      answers((index) => index >= 20),
    );
    const { metrics, mcnemar, fixed, broken } = await compare('old', 'same');
    assert.deepEqual(metrics.f1_macro!.difference, { value: 0, low: 0, high: 0 });
    assert.deepEqual([mcnemar?.p, fixed, broken], [1, [], []]);
  });

  test('are joined by record, in whatever order and number they lie', async () => {
    const { compare, make } = await createJobs();
    await make(
      'turned',
      answers((index) => index >= 20)
        .reverse()
        .slice(10),
    );
    const { metrics, records, fixed, broken } = await compare('old', 'turned');
    assert.deepEqual(records, { compared: 30, onlyInA: 10, onlyInB: 0 });
    assert.deepEqual([metrics.accuracy!.a, metrics.accuracy!.difference.value, fixed, broken], [1 / 3, 0, [], []]);
    assert.deepEqual((await compare('turned', 'old')).records, { compared: 30, onlyInA: 0, onlyInB: 10 });
  });

  test('of other data sets, splits or tasks, without a report, or too large, are refused with the reason', async () => {
    const { compare, make, world } = await createJobs();
    const shards = { shards: [] };
    await make(
      'other',
      answers(() => true),
      { dataset: { name: 'set', run: 'run', split: 'train', ...shards } },
    );
    await assert.rejects(compare('old', 'other'), {
      code: 'conflict',
      message: /set\/test, run run, the other of set\/train/,
    });
    await assert.rejects(compare('old', 'none'), { code: 'not_found', message: /'none' has no report/ });
    await assert.rejects(compare('../old', 'new'), { code: 'not_found' });
    await assert.rejects(compare('old', 'new', 39), {
      code: 'payload_too_large',
      message: /npm run jobs -- compare old new/,
    });
    world.complete('old', 'text-classification', [answers(() => true)], { attempt: 2 });
    await assert.rejects(compare('old', 'new'), { code: 'conflict', message: /not those of its report/ });
  });

  test('are shown in a terminal with what is better, and nothing that a terminal obeys', async () => {
    const { compare } = await createJobs();
    const comparison = await compare('old', 'new');
    const flip = { custom_id: 'x', label: '\u001b[2Jcat', a: 'dog', b: 'cat' };
    const text = renderComparison({ ...comparison, fixed: [flip] }).join('\n');
    assert.match(text, /accuracy +0\.5000 +0\.8750 +\+0\.3750 +\+0\.\d+ … \+0\.\d+ \* better/);
    assert.match(text, /log_loss .* \* better/);
    assert.match(text, /16 records that were wrong are right, 1 that were right are wrong/);
    assert.ok(!text.includes('\u001b'));
  });
});
