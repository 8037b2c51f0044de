import { randomBytes } from 'node:crypto';
import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import { jobKey, modelNamePattern } from '../storage/object-keys.ts';
import type { Job, JobRequest } from './job.ts';
import { checkRequest, type Planning } from './plan-job.ts';
import { newJob, ownedBy } from './start-job.ts';

type Creating = Planning & Pick<Services, 'findJob' | 'updateJob' | 'enlistJob' | 'writeData'>;

/**
 * Asks for a job, as one who drops `jobs/<job>.json` does; a name is made where none is given, and `owner` is the API key
 * that sees it. Throws invalid_request, model_not_found, model_not_ready, not_found for what can be seen at once, and
 * conflict where the name is taken.
 */
export async function createJob(
  request: JobRequest,
  effects: Creating,
  { name = makeName(), owner }: { readonly name?: string | undefined; readonly owner?: string | undefined } = {},
): Promise<Job> {
  if (!modelNamePattern.test(name)) {
    const allowed = "a-z, 0-9, '.', '_' and '-' are allowed, 63 at most";
    throw new ServiceError('invalid_request', `'${name.slice(0, 100)}' is no name of a job: ${allowed}`);
  }
  await checkRequest(request, effects);
  const body = Buffer.from(JSON.stringify({ ...request, owner }));
  if ((await effects.findJob(name)) || !(await effects.writeData(jobKey(name), body, {}))) {
    throw new ServiceError('conflict', `there is a job '${name}' already`);
  }
  const createdAt = new Date().toISOString();
  // The file may have woken run-batch already.
  const job = (await effects.updateJob(name, (current) =>
    ownedBy(owner, current ?? newJob(name, createdAt, request)),
  ))!;
  await effects.enlistJob(job);
  return job;
}

/** Names in the order of time. */
function makeName(): string {
  const time = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  return `job-${time}-${randomBytes(3).toString('hex')}`;
}
