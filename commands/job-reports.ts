import { writeFileSync } from 'node:fs';
import { compareJobs } from '../functions/reports/compare-jobs.ts';
import { readReport } from '../functions/reports/read-report.ts';
import type { Services } from '../functions/services.ts';
import { reportKey } from '../functions/storage/object-keys.ts';
import { renderComparison } from './render-comparison.ts';

/** Metrics with their intervals; with `page` the page for people goes into that file. */
export async function printReport(job: string, page: string | undefined, services: Services): Promise<void> {
  const { model, modelVersion, records, metrics } = await readReport(job, services);
  console.log(`${model} ${modelVersion}: ${records.evaluated} records with a label, of which ${records.failed} failed`);
  for (const [name, { value, low, high }] of Object.entries(metrics)) {
    const numbers = [value, low, high].map((number) => (number === null ? '–' : number.toFixed(4)));
    console.log(`${name.padEnd(28)} ${numbers[0]!.padStart(10)}   95 %: ${numbers[1]} to ${numbers[2]}`);
  }
  if (page === undefined) return;
  const body = await services.readData(reportKey(job, 'report.html'));
  if (!body) throw new Error(`job '${job}' has no page`);
  writeFileSync(page, body);
  console.log(`The page is in ${page}.`);
}

export async function printComparison(job: string, other: string, services: Services): Promise<void> {
  for (const line of renderComparison(await compareJobs(job, other, services))) console.log(line);
}
