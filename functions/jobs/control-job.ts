import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Job } from './job.ts';

type Controlling = Pick<Services, 'updateJob' | 'sendWork'>;

/** Stops a job: what is answered is kept, and chunks that have not begun are not run. Throws not_found, conflict. */
export function cancelJob(name: string, effects: Controlling): Promise<Job> {
  return control(name, effects, (job) => {
    if (job.status === 'CANCELLING' || job.status === 'CANCELLED') return job;
    if (job.status === 'PLANNING' || job.status === 'RUNNING') return { ...job, status: 'CANCELLING' };
    throw refuse(job, 'cannot be cancelled');
  });
}

/**
 * Runs the chunks that are not done, also of a job that is RUNNING and whose messages were lost; one that was not planned is
 * planned. Throws not_found, conflict.
 */
export function resumeJob(name: string, effects: Controlling): Promise<Job> {
  return control(name, effects, (job) => {
    if (['RUNNING', 'CANCELLED', 'FAILED'].includes(job.status)) return again(job, job.retrySince);
    throw refuse(job, 'cannot be resumed');
  });
}

/** Runs what has no answer: records that have failed, and chunks that are not done. Throws not_found, conflict. */
export function retryJob(name: string, effects: Controlling): Promise<Job> {
  return control(name, effects, (job) => {
    if (!['COMPLETED', 'CANCELLED', 'FAILED'].includes(job.status)) throw refuse(job, 'cannot be retried');
    const nothing = job.status === 'COMPLETED' && job.counts?.failed === 0;
    if (nothing) throw new ServiceError('conflict', `no record of job ${job.job} has failed`);
    return again(job, job.attempt + 1);
  });
}

function again({ reason: _, problems: __, finishedAt: ___, counts: ____, ...job }: Job, retrySince: number): Job {
  const begun = job.plan
    ? ({ status: 'RUNNING', startedAt: new Date().toISOString() } as const)
    : ({ status: 'PLANNING' } as const);
  return { ...job, ...begun, attempt: job.attempt + 1, retrySince };
}

/** Changes a job and sends a message that brings it on. */
async function control(name: string, effects: Controlling, change: (job: Job) => Job): Promise<Job> {
  const job = await effects.updateJob(name, (current) => current && change(current));
  if (!job) throw new ServiceError('not_found', `there is no job '${name.slice(0, 100)}'`);
  await effects.sendWork('run-batch', [{ job: job.job, attempt: job.attempt }]);
  return job;
}

function refuse({ job, status }: Job, what: string): ServiceError {
  return new ServiceError('conflict', `job ${job} ${what}: it is ${status}`);
}
