import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseCondition } from '../../../functions/reports/condition.ts';
import { checkRequirement } from '../../../functions/reports/promote-version.ts';
import { reportJob } from '../../../functions/reports/report-job.ts';
import type { Services } from '../../../functions/services.ts';
import { createWorld } from './report-world.ts';

const metrics = {
  accuracy: { value: 0.9, low: 0.85, high: 0.95 },
  log_loss: { value: 0.4, low: 0.3, high: 0.5 },
  roc_auc: { value: null, low: null, high: null },
};

describe('a condition', () => {
  test('compares metrics and the bounds of their intervals, and binds by and before or', () => {
    for (const [text, holds] of [
      ['accuracy >= 0.9', true],
      ['accuracy > 0.9', false],
      ['accuracy.low > 0.84 and accuracy.high <= 9.5e-1', true],
      ['log_loss < 0.4 or accuracy = 0.9', true],
      ['accuracy > 1 and log_loss < 1 or accuracy < 1', true],
      ['accuracy > 1 and (log_loss < 1 or accuracy < 1)', false],
      ['((accuracy<1))AND log_loss>-1', true],
      ['roc_auc >= 0', false],
    ] as const) {
      assert.equal(parseCondition(text)(metrics).holds, holds, text);
    }
  });

  test('says what it found', () => {
    const { found } = parseCondition('accuracy >= 0.95 or roc_auc >= 0.5')(metrics);
    assert.deepEqual(found, ['accuracy is 0.9 (>= 0.95 is needed)', 'roc_auc is not defined (>= 0.5 is needed)']);
  });

  test('that makes no sense, or names no metric, is refused with what would', () => {
    for (const text of [
      '',
      'accuracy',
      'accuracy >=',
      '0.9 <= accuracy',
      'accuracy >= 0.9 and',
      '(accuracy > 1',
      'a > 1)',
    ])
      assert.throws(() => parseCondition(text), { code: 'invalid_request', message: /is no condition/ }, text);
    assert.throws(() => parseCondition('accuracy => 0.9'), { code: 'invalid_request', message: /f1_macro >= 0.9/ });
    assert.throws(() => parseCondition('accuracy > 1; rm'), { code: 'invalid_request' });
    assert.throws(() => parseCondition(`${'('.repeat(50)}a > 1`), {
      code: 'invalid_request',
      message: /20 parentheses/,
    });
    for (const name of ['f1', 'constructor', '__proto__']) {
      assert.throws(() => parseCondition(`${name} > 1`)(metrics), {
        message: new RegExp(
          `^(the report has no metric '${name}'; it has: accuracy, log_loss, roc_auc|.*is no condition.*)`,
        ),
      });
    }
  });
});

describe('an alias moves where a report says so', () => {
  const numbers = (error: number) =>
    [1, 2, 3].map((label) => ({
      id: String(label).padStart(24, '0'),
      inputs: { a: label },
      label,
      output: [label + error],
    }));

  async function createReports() {
    const world = createWorld();
    const listData: Services['listData'] = async function* (prefix) {
      for (const [key, { etag, body }] of world.objects) {
        if (key.startsWith(prefix)) yield { key, etag, size: body.length };
      }
    };
    const own = world.complete('own', 'tabular-regression', [numbers(0)], { modelVersion: '2', input: 'files/a/b' });
    await reportJob(own, world.effects);
    const make = async (job: string, error: number, dataset: string, finishedAt: string, modelVersion = '2') => {
      const about = { name: dataset, run: 'run', split: 'test', shards: [] };
      const key = world.complete(job, 'tabular-regression', [numbers(error)], {
        finishedAt,
        modelVersion,
        dataset: about,
      });
      await reportJob(key, world.effects);
    };
    await make('old', 0.5, 'set', '2026-11-01T10:00:00.000Z');
    await make('new', 0.25, 'set', '2026-11-02T10:00:00.000Z');
    await make('three', 2, 'set', '2026-11-03T10:00:00.000Z', '3');
    return {
      make,
      check: (target: Parameters<typeof checkRequirement>[1], given: Parameters<typeof checkRequirement>[2]) =>
        checkRequirement('m', target, given, { ...world.effects, listData }),
    };
  }

  test('the latest of that version on that data set, and of each version of a split', async () => {
    const { check, make } = await createReports();
    const condition = { if: 'mean_absolute_error < 0.3' };
    assert.equal(
      await check('2', condition),
      'mean_absolute_error < 0.3: the report of job new on set/test says of version 2: mean_absolute_error is 0.25',
    );
    await assert.rejects(check({ 2: 95, 3: 5 }, condition), {
      code: 'conflict',
      message: /not moved.*version 3: mean_absolute_error is 2 \(< 0.3 is needed\)/,
    });
    await make('elsewhere', 3, 'other', '2026-11-04T10:00:00.000Z');
    await assert.rejects(check('2', condition), {
      code: 'conflict',
      message: /which data set.*set\/test, other\/test/,
    });
    assert.match(await check('2', { ...condition, dataset: 'set' }), /job new/);
    await assert.rejects(check('2', { ...condition, dataset: 'other' }), {
      code: 'conflict',
      message: /job elsewhere/,
    });
    await assert.rejects(check('2', { ...condition, split: 'train' }), {
      code: 'conflict',
      message: /no report on split 'train'; .* are of: set\/test, other\/test$/,
    });
    await assert.rejects(check('4', condition), { code: 'conflict', message: /are of: nothing/ });
    await assert.rejects(check('2', { if: 'accuracy > 0', dataset: 'set' }), {
      code: 'invalid_request',
      message: /it has: mean_abs/,
    });
  });
});
