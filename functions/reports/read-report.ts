import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import { modelNamePattern, reportKey } from '../storage/object-keys.ts';
import { type Report, reportSchema } from './report.ts';

/** Throws not_found. */
export async function readReport(job: string, { readData }: Pick<Services, 'readData'>): Promise<Report> {
  const body = modelNamePattern.test(job) ? await readData(reportKey(job, 'report.json')) : undefined;
  if (body) return reportSchema.parse(JSON.parse(body.toString('utf8')));
  const when = 'a report is made once a job with labels is COMPLETED';
  throw new ServiceError('not_found', `job '${job.slice(0, 100)}' has no report: ${when}`);
}
