import { ServiceError } from '../errors.ts';
import { parseInput } from '../http/parse-input.ts';
import { log } from '../log.ts';
import type { Services } from '../services.ts';
import { jobKey, modelNamePattern, planKey } from '../storage/object-keys.ts';
import { type Advancing, advanceJob } from './advance-job.ts';
import { RequestsRefused } from './check-requests.ts';
import { type Job, type JobRequest, jobFileSchema } from './job.ts';
import { type WholePlan, wholePlanSchema } from './job-chunks.ts';
import { type Planning, planJob } from './plan-job.ts';

export type Starting = Planning & Advancing & Pick<Services, 'enlistJob'>;

const maxRequestBytes = 1_048_576;
/** Longer names are no job's: the table's keys end somewhere. */
const maxNameLength = 200;

/** A job that is not planned yet. */
export function newJob(job: string, createdAt: string, request?: JobRequest): Job {
  return {
    ...{ job, status: 'PLANNING', createdAt, attempt: 1, retrySince: 0, dispatched: 0, revision: 0 },
    ...(request && { request }),
  };
}

/** A job that has an owner keeps it, whatever is uploaded in the place of its file. */
export function ownedBy(owner: string | undefined, job: Job): Job {
  return owner === undefined || job.owner !== undefined ? job : { ...job, owner };
}

/**
 * `jobs/<job>.json` was uploaded: plans the job and sends its chunks. A job that has been planned stays as it is; one that
 * could not be planned is planned anew from the new file, or by a message of its `attempt`. What may succeed later is thrown.
 */
export async function startJob(
  { job: name, uploadedAt, attempt }: { job: string; uploadedAt: string; attempt?: number },
  effects: Starting,
): Promise<void> {
  if (name.length > maxNameLength) return log('error', 'a job has a name that is too long');
  const job = (await effects.updateJob(name, (current) => current ?? newJob(name, uploadedAt)))!;
  await effects.enlistJob(job);
  const planned = job.plan || job.status === 'CANCELLING' ? job : await plan(job, effects);
  if (attempt === undefined || attempt === planned.attempt) await advanceJob(planned, effects);
}

async function plan(job: Job, effects: Starting): Promise<Job> {
  try {
    const { etag, request, owner } = await readRequest(job.job, effects);
    const owned = await effects.updateJob(job.job, (current) => current && ownedBy(owner, current));
    if (owned && owned.owner !== job.owner) await effects.enlistJob(owned);
    const key = planKey(job.job, etag);
    const { sources: _, ...summary } = await keepPlan(key, () => planJob(request, effects), effects);
    const startedAt = new Date().toISOString();
    return await change(job.job, effects, ({ reason, problems, finishedAt, ...rest }) => {
      return { ...rest, status: 'RUNNING', request, plan: summary, planKey: key, startedAt };
    });
  } catch (error) {
    if (!(error instanceof ServiceError) || error.retryable) throw error;
    const { message: reason } = error;
    const problems = error instanceof RequestsRefused ? [...error.problems] : undefined;
    return await change(job.job, effects, ({ problems: _, ...current }) => {
      return { ...current, status: 'FINISHING', reason, ...(problems && { problems }) };
    });
  }
}

/** Unless it was planned, or cancelled, in the meantime. */
async function change(job: string, { updateJob }: Starting, to: (current: Job) => Job): Promise<Job> {
  const isOpen = ({ plan, status }: Job) => !plan && (status === 'PLANNING' || status === 'FAILED');
  return (await updateJob(job, (current) => (current && isOpen(current) ? to(current) : current)))!;
}

async function readRequest(
  job: string,
  effects: Starting,
): Promise<{ etag: string; request: JobRequest; owner: string | undefined }> {
  const key = jobKey(job);
  const object = await effects.findData(key);
  if (!modelNamePattern.test(job)) {
    const allowed = "a-z, 0-9, '.', '_' and '-' are allowed, 63 at most";
    throw new ServiceError('invalid_request', `the name of a job is the file's without .json: ${allowed}`);
  }
  const body = object && object.size <= maxRequestBytes ? await effects.readData(key) : undefined;
  if (!object || !body) {
    throw new ServiceError(
      'invalid_request',
      `${key} ${object ? `is larger than ${maxRequestBytes} bytes` : 'is gone'}`,
    );
  }
  const { owner, ...request } = parseInput(jobFileSchema, parseJson(key, body));
  return { etag: object.etag, request, owner };
}

function parseJson(key: string, body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (cause) {
    throw new ServiceError('invalid_request', `${key} is not valid JSON: ${(cause as Error).message}`, { cause });
  }
}

/** The first plan that was made of a request stands: its chunks may have been run already. */
async function keepPlan(key: string, create: () => Promise<WholePlan>, effects: Starting): Promise<WholePlan> {
  const known = await effects.readData(key);
  if (known) return wholePlanSchema.parse(JSON.parse(known.toString('utf8')));
  const plan = await create();
  if (await effects.writeData(key, Buffer.from(JSON.stringify(plan)), {})) return plan;
  return await keepPlan(key, create, effects);
}
