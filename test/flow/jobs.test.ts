import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { pushPackage } from '../../commands/push-package.ts';
import { readConfig } from '../../functions/config.ts';
import { createServices } from '../../functions/create-services.ts';
import { readJob } from '../../functions/jobs/read-job.ts';
import { resultsManifestSchema } from '../../functions/jobs/results-manifest.ts';
import { deadLettersOf } from '../../local/sqs/sqs.ts';
import { temporaryState } from './run-platform.ts';
import { runWayB } from './run-way-b.ts';

const kills = 24;
/** A message is delivered five times at most, disorder's second deliveries among them. */
const killsOfOne = 2;
const records = 50;
const texts = ['The battery lasts for days. Great phone!', 'Bad. A waste of money.'];

test(`${kills} kills of run-batch at its calls lose, double and orphan no record, and no job is stuck`, async (t) => {
  const temporary = await temporaryState();
  const platform = await runWayB(temporary.state, 'run-batch');
  t.after(async () => {
    await platform.close();
    await temporary.remove();
  });
  const services = createServices(readConfig(process.env));
  assert.equal((await pushPackage('models/sentiment', services)).status, 'READY');
  const line = (_: unknown, index: number) => JSON.stringify({ custom_id: `r${index}`, inputs: texts[index % 2] });
  const lines = Array.from({ length: records }, line);
  await platform.upload('raw/reviews.jsonl', [...lines, 'no JSON'].join('\n'));

  let [calls, left] = [0, 0];
  const killed: Promise<void>[] = [];
  const at = () => 2 + ((7 * killed.length) % 60);
  platform.onCall(() => {
    calls += 1;
    if (left === 0 || calls < at()) return;
    [calls, left] = [0, left - 1];
    killed.push(platform.kill());
  });
  const jobs: string[] = [];
  while (killed.length < kills && jobs.length < kills) {
    jobs.push(`job-${jobs.length}`);
    [calls, left] = [0, killsOfOne];
    await platform.upload(`jobs/${jobs.at(-1)}.json`, '{"model": "sentiment", "input": "raw/reviews.jsonl"}');
    await platform.idle();
  }
  left = 0;
  assert.ok(killed.length >= kills, `${killed.length} kills`);
  await Promise.all(killed);

  assert.deepEqual(platform.sqs.queue(deadLettersOf('run-batch')).counts(), { visible: 0, inFlight: 0, delayed: 0 });
  for (const job of jobs) {
    const manifest = resultsManifestSchema.parse(
      JSON.parse(String(await services.readData(`results/${job}/manifest.json`))),
    );
    assert.equal((await readJob(job, services)).status, 'COMPLETED', job);
    assert.deepEqual(manifest.counts, { total: records + 1, succeeded: records, failed: 1 }, job);
    const answers: [string, string][] = [];
    for (const { key, sha256 } of manifest.parts) {
      const body = (await services.readData(key))!;
      assert.equal(createHash('sha256').update(body).digest('hex'), sha256);
      for (const text of body.toString().split('\n').slice(0, -1)) {
        const { custom_id, output } = JSON.parse(text);
        answers.push([custom_id, output[0][0].label]);
      }
    }
    assert.deepEqual(
      answers,
      lines.map((_, index) => [`r${index}`, index % 2 === 0 ? 'positive' : 'negative']),
      job,
    );
    const named = [...manifest.parts.map(({ key }) => key), manifest.errors, `results/${job}/manifest.json`];
    assert.deepEqual(new Set(await platform.list(`results/${job}/`)), new Set(named), job);
  }
});
