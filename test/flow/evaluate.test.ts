import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../functions/config.ts';
import { createServices } from '../../functions/create-services.ts';
import { compareJobs } from '../../functions/reports/compare-jobs.ts';
import { readReport } from '../../functions/reports/read-report.ts';
import { deadLettersOf } from '../../local/sqs/sqs.ts';
import { createWorld, type JobRecord } from '../unit/reports/report-world.ts';
import { temporaryState } from './run-platform.ts';
import { runWayB } from './run-way-b.ts';

const kills = 8;
/** Calls and answers of one report. */
const callsOfOne = 22;

const records = [1, 2, 3, 4].map(
  (label): JobRecord => ({ id: String(label).padStart(24, '0'), inputs: { a: label }, label, output: [label + 0.25] }),
);

test(`${kills} kills of evaluate among messages that come twice and in any order leave one report for each job`, async (t) => {
  const temporary = await temporaryState();
  const platform = await runWayB(temporary.state, 'evaluate');
  t.after(async () => {
    await platform.close();
    await temporary.remove();
  });
  const services = createServices(readConfig(process.env));
  let [calls, killAt] = [0, 0];
  const killed: Promise<void>[] = [];
  platform.onCall(() => {
    calls += 1;
    if (calls === killAt) killed.push(platform.kill());
  });
  const jobs = Array.from({ length: kills }, (_, index) => `job-${index}`);
  const pages = new Set<string>();
  for (const [index, job] of jobs.entries()) {
    const world = createWorld();
    const manifest = world.complete(job, 'tabular-regression', [records.slice(0, 2), records.slice(2)]);
    const upload = (key: string) => platform.upload(key, String(world.objects.get(key)!.body));
    killAt = 0;
    for (const key of world.objects.keys()) if (key !== manifest) await upload(key);
    [calls, killAt] = [-2, 1 + Math.floor((index * callsOfOne) / kills)];
    await upload(manifest);
    await platform.idle();
    const page = String(await services.readData(`reports/${job}/report.html`));
    pages.add(page.replaceAll(job, 'job'));
    const { metrics, worst } = await readReport(job, services);
    assert.equal(metrics.mean_absolute_error?.value, 0.25, job);
    assert.equal(worst.length, records.length);
  }
  assert.equal(killed.length, kills);
  await Promise.all(killed);
  assert.equal(pages.size, 1);
  assert.deepEqual(platform.sqs.queue(deadLettersOf('evaluate')).counts(), { visible: 0, inFlight: 0, delayed: 0 });
  const expected = jobs.flatMap((job) => [`reports/${job}/report.html`, `reports/${job}/report.json`]);
  assert.deepEqual(new Set(await platform.list('reports/')), new Set(expected));
  const { metrics } = await compareJobs('job-0', 'job-1', services);
  assert.deepEqual(metrics.mean_absolute_error?.difference, { value: 0, low: 0, high: 0 });
});
