import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  jobKey,
  parseJobKey,
  parseRawKey,
  preparedKey,
  rawKey,
  reportKey,
  resultKey,
  workKey,
} from '../../../functions/storage/object-keys.ts';

test('keys of data sets and jobs lie under prefixes of their own and are read back', () => {
  const keys = {
    raw: rawKey('flowers', 'rose/1 + 2.jpg'),
    prepared: preparedKey('flowers', 'manifest.json'),
    job: jobKey('monday'),
    result: resultKey('monday', 'part-00000.jsonl'),
    report: reportKey('monday', 'report.html'),
    work: workKey('jobs', 'monday', 'chunk-00000.json'),
  };
  assert.deepEqual(keys, {
    raw: 'raw/flowers/rose/1 + 2.jpg',
    prepared: 'prepared/flowers/manifest.json',
    job: 'jobs/monday.json',
    result: 'results/monday/part-00000.jsonl',
    report: 'reports/monday/report.html',
    work: 'work/jobs/monday/chunk-00000.json',
  });
  assert.deepEqual(parseRawKey(keys.raw), { dataset: 'flowers', path: 'rose/1 + 2.jpg' });
  assert.equal(parseRawKey('raw/flowers/'), undefined);
  assert.equal(parseJobKey(keys.job), 'monday');
  assert.equal(parseJobKey('jobs/a/b.json'), undefined);
});
