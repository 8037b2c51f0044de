import { type ResultsManifest, resultsManifestSchema } from '../jobs/results-manifest.ts';
import { log } from '../log.ts';
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
  if (await isNewest(reportKey(manifest.job, 'report.json'), manifest.attempt, effects)) return;
  const made = await makeReport(manifest, effects);
  if (!made) return log('info', 'answers of this task cannot be compared with labels');
  const { job, attempt } = manifest;
  await replaceOlder(
    reportKey(job, 'report.html'),
    made.page,
    { attempt, contentType: 'text/html; charset=utf-8' },
    effects,
  );
  const summary = JSON.stringify(evaluatedSchema.parse(made.report));
  const { model, modelVersion } = made.report;
  await replaceOlder(evaluationKey(model, modelVersion, job), summary, { attempt }, effects);
  const json = `${JSON.stringify(made.report, null, 1)}\n`;
  await replaceOlder(reportKey(job, 'report.json'), json, { attempt }, effects);
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

/** The attempt that made an object is kept with it. */
async function isNewest(key: string, attempt: number, { findData }: Pick<Effects, 'findData'>): Promise<boolean> {
  const current = await findData(key);
  return current !== undefined && Number(current.sequencer) >= attempt;
}

async function replaceOlder(
  key: string,
  text: string,
  { attempt, contentType }: { readonly attempt: number; readonly contentType?: string },
  { findData, writeData }: Pick<Effects, 'findData' | 'writeData'>,
): Promise<void> {
  for (;;) {
    const current = await findData(key);
    if (current && Number(current.sequencer) >= attempt) return;
    const kept = { sequencer: String(attempt), ...(contentType !== undefined && { contentType }) };
    if (await writeData(key, Buffer.from(text), { ...kept, ...(current && { replaces: current.etag }) })) return;
  }
}
