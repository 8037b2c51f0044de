import { isDeepStrictEqual } from 'node:util';
import { ServiceError } from '../errors.ts';
import { type ResultsManifest, resultsManifestSchema } from '../jobs/results-manifest.ts';
import type { Services } from '../services.ts';
import { resultKey } from '../storage/object-keys.ts';
import { compareResults } from './compare-results.ts';
import type { Comparison } from './comparison.ts';
import { readReport } from './read-report.ts';
import { readResults } from './read-results.ts';
import type { Report } from './report.ts';

type Effects = Pick<Services, 'readData' | 'streamData'>;

/**
 * What changes from job `a` to job `b`. Both must have reports, of the same task and the same records: throws not_found
 * and conflict with the reason. More than `maxRecords` are payload_too_large.
 */
export async function compareJobs(
  a: string,
  b: string,
  effects: Effects,
  maxRecords = Number.POSITIVE_INFINITY,
): Promise<Comparison> {
  const reports = [await readReport(a, effects), await readReport(b, effects)] as const;
  refuseOthers(...reports);
  const manifests = [await readManifest(reports[0], effects), await readManifest(reports[1], effects)] as const;
  const records = Math.max(...manifests.map(({ counts }) => counts.total));
  if (records > maxRecords) {
    const way = `npm run jobs -- compare ${a} ${b}`;
    throw new ServiceError(
      'payload_too_large',
      `${records} records are too many for one answer (${maxRecords}): ${way}`,
    );
  }
  const [{ task, dataset, input }] = reports;
  const results = [readResults(manifests[0], effects), readResults(manifests[1], effects)] as const;
  const compared = await compareResults(results, records, { task, seed: `${a} ${b}` });
  const [sideA, sideB] = reports.map(({ job, model, modelVersion }) => ({ job, model, modelVersion }));
  return {
    a: sideA!,
    b: sideB!,
    task,
    ...(dataset && { dataset }),
    ...(input !== undefined && { input }),
    ...compared,
  };
}

function refuseOthers(a: Report, b: Report): void {
  const differing = (['task', 'dataset', 'input'] as const).find((field) => !isDeepStrictEqual(a[field], b[field]));
  if (!differing) return;
  const render = (report: Report) => {
    const { dataset, input } = report;
    if (differing === 'task') return report.task;
    return dataset ? `${dataset.name}/${dataset.split}, run ${dataset.run}` : (input ?? 'nothing');
  };
  throw new ServiceError(
    'conflict',
    `${a.job} and ${b.job} cannot be compared: one is of ${render(a)}, the other of ${render(b)}`,
  );
}

/** Of the attempt that the report is of. */
async function readManifest({ job, attempt }: Report, { readData }: Effects): Promise<ResultsManifest> {
  const body = await readData(resultKey(job, 'manifest.json'));
  const manifest = body && resultsManifestSchema.parse(JSON.parse(body.toString('utf8')));
  if (manifest?.attempt === attempt) return manifest;
  throw new ServiceError('conflict', `the results of job ${job} are not those of its report; a new one is being made`);
}
