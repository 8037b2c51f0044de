import type * as z from 'zod';
import { type Job, jobSchema } from '../jobs/job.ts';
import { type JobChunk, jobChunkSchema } from '../jobs/job-chunk.ts';
import { itemKeys } from '../storage/object-keys.ts';
import type { Item, Table } from './table.ts';

/** Compare-and-set rounds before a write gives up; each loser of a round saw another writer win. */
const attempts = 50;

/** Jobs and their chunks in the table. */
export function createJobs(table: Pick<Table, 'get' | 'query' | 'page' | 'putIf'>) {
  /** Applies `change` to what is there until no other writer was faster; what it gives back unchanged is not written. */
  async function update<Value extends { revision: number }>(
    key: { pk: string; sk: string },
    schema: z.ZodType<Value>,
    change: (current: Value | undefined) => Value | undefined,
  ): Promise<Value | undefined> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const item = await table.get(key);
      const current = item && schema.parse(item);
      const changed = change(current);
      if (changed === undefined || changed === current) return current;
      const next = { ...changed, revision: (current?.revision ?? 0) + 1 };
      const expected = current ? { equals: current.revision } : {};
      const written: Item = { ...key, ...next };
      if (await table.putIf(written, { attribute: 'revision', ...expected })) return next;
    }
    throw new Error(`${key.pk} is being changed by others all the time`);
  }

  const find = async (job: string): Promise<Job | undefined> => {
    const item = await table.get(itemKeys.job(job));
    return item && jobSchema.parse(item);
  };

  return {
    find,
    update: (job: string, change: (current: Job | undefined) => Job | undefined) =>
      update(itemKeys.job(job), jobSchema, change),

    /** Puts a job that is there into the list of all jobs and into that of its owner, once. */
    async enlist({ createdAt, job, owner }: Job): Promise<void> {
      for (const list of new Set([undefined, owner])) {
        await table.putIf({ ...itemKeys.jobInList(createdAt, job, list), job }, { attribute: 'job', equals: job });
      }
    },

    async list({
      limit,
      before,
      owner,
    }: {
      limit: number;
      before?: string | undefined;
      owner?: string | undefined;
    }): Promise<{ jobs: Job[]; next?: string }> {
      const items = await table.page(itemKeys.jobs(owner), { limit, after: before, descending: true });
      const jobs = await Promise.all(items.map(({ job }) => find(String(job))));
      const last = items.length === limit ? items.at(-1)?.sk : undefined;
      // One that was given to another key stays in the list of the first.
      const isListed = (job?: Job): job is Job => job !== undefined && (owner === undefined || job.owner === owner);
      return { jobs: jobs.filter(isListed), ...(last !== undefined && { next: last }) };
    },

    async listChunks(job: string): Promise<JobChunk[]> {
      return (await table.query(itemKeys.jobChunks(job))).map((item) => jobChunkSchema.parse(item));
    },

    async findChunk(job: string, chunk: number): Promise<JobChunk | undefined> {
      const item = await table.get(itemKeys.jobChunk(job, chunk));
      return item && jobChunkSchema.parse(item);
    },

    async updateChunk(job: string, chunk: number, change: (current: JobChunk) => JobChunk): Promise<void> {
      await update(itemKeys.jobChunk(job, chunk), jobChunkSchema, (current) => {
        const before = current ?? { chunk, revision: 0 };
        const after = change(before);
        return after === before ? current : after;
      });
    },
  };
}
