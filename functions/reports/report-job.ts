import { type ResultsManifest, resultsManifestSchema } from '../jobs/results-manifest.ts';
import { log } from '../log.ts';
import { isNewer, replaceOlder } from '../replace-older.ts';
import type { Services } from '../services.ts';
import { evaluationKey, parseResultsManifestKey, reportKey } from '../storage/object-keys.ts';
import { textGeneration } from '../tasks/task-names.ts';
import { evaluateResults } from './evaluate-results.ts';
import { readExamples } from './read-examples.ts';
import { readResults } from './read-results.ts';
import { renderExample } from './render-example.ts';
import { renderReport } from './render-report.ts';
import { evaluatedSchema, type Report, reportSchema } from './report.ts';

type Effects = Pick<Services, 'readData' | 'streamData' | 'findData' | 'writeData'>;

/**
 * `results/<job>/manifest.json` → `reports/<job>/report.html`, then its summary, then `report.json`, where the job was completed and its
 * records have labels. A report follows from the results alone, so that it may be made any number of times; that of a
 * later attempt takes the place of an earlier one's. Throws conflict while a later attempt replaces the results.
 */
export async function reportJob(key: string, effects: Effects): Promise<void> {
  const body = parseResultsManifestKey(key) === undefined ? undefined : await effects.readData(key);
  if (!body) return;
  const manifest = resultsManifestSchema.parse(JSON.parse(body.toString('utf8')));
  if (manifest.status !== 'COMPLETED' || !manifest.labelled) return;
  const { job, attempt, task } = manifest;
  const sequencer = sequencerOf(attempt);
  const current = await effects.findData(reportKey(job, 'report.json'));
  if (current && !isNewer(sequencer, current.sequencer ?? '')) return;
  const made = await makeReport(manifest, effects);
  if (!made) return log('info', `answers of the task ${task} cannot be compared with labels`);
  const { report, page } = made;
  const contentType = 'text/html; charset=utf-8';
  await replaceOlder(reportKey(job, 'report.html'), Buffer.from(page), { sequencer, contentType }, effects);
  const summary = JSON.stringify(evaluatedSchema.parse(report));
  const evaluation = evaluationKey(report.model, report.modelVersion, job);
  await replaceOlder(evaluation, Buffer.from(summary), { sequencer }, effects);
  const json = `${JSON.stringify(report, null, 1)}\n`;
  await replaceOlder(reportKey(job, 'report.json'), Buffer.from(json), { sequencer }, effects);
}

async function makeReport(
  manifest: ResultsManifest,
  effects: Effects,
): Promise<{ report: Report; page: string } | undefined> {
  const { job, attempt, model, modelVersion, task, dataset, input, counts, finishedAt } = manifest;
  if (model === undefined || modelVersion === undefined || task === undefined || task === textGeneration)
    return undefined;
  const about = { task, seed: dataset ? `${dataset.name} ${dataset.run} ${dataset.split}` : (input ?? job) };
  const made = await evaluateResults(readResults(manifest, effects), counts.total, about);
  if (!made) return undefined;
  const report = reportSchema.parse({
    ...{ job, attempt, createdAt: finishedAt, model, modelVersion, task, dataset, input },
    ...made.measured,
  });
  const inputs = await readExamples(made.worst, manifest, effects);
  const examples = [];
  const budget = { bytes: 6e6 };
  for (const worst of made.worst) examples.push(await renderExample(worst, inputs.get(worst.custom_id), task, budget));
  return { report, page: renderReport(report, examples) };
}

/** Kept with the objects of a report: that of a later attempt is newer. */
function sequencerOf(attempt: number): string {
  return String(attempt).padStart(10, '0');
}
