import { isDeepStrictEqual } from 'node:util';
import { log } from '../log.ts';
import type { Services } from '../services.ts';
import { chunkErrorsKey, partKey, resultKey } from '../storage/object-keys.ts';
import { writeLines } from './chunk-part.ts';
import type { Job } from './job.ts';
import { countRecords, type JobChunk } from './job-chunk.ts';
import { readPlan } from './job-chunks.ts';
import { type ResultsManifest, resultsManifestSchema } from './results-manifest.ts';

export type Finishing = Pick<
  Services,
  | 'findJob'
  | 'updateJob'
  | 'listJobChunks'
  | 'readData'
  | 'findData'
  | 'streamData'
  | 'writeData'
  | 'writeDataStream'
  | 'removeData'
>;

/** Another worker has written the same object in the meantime. */
class Overtaken extends Error {}

const maxRounds = 10;

/**
 * Ends a job that is FINISHING or CANCELLING: errors.jsonl, then manifest.json, then the job's status. May run any number
 * of times, also at once: nobody leaves it to another, whose message may be deleted by a second delivery of it.
 */
export async function finishJob(job: Job, effects: Finishing, round = 1): Promise<void> {
  const current = await effects.findJob(job.job);
  // Once overtaken, it is done again even where the other has ended the job: what this one wrote may be older.
  if (current?.attempt !== job.attempt || (round === 1 && current.status !== job.status)) return;
  try {
    await finish(job, effects);
  } catch (error) {
    if (!(error instanceof Overtaken) || round === maxRounds) throw error;
    await finishJob(job, effects, round + 1);
  }
}

async function finish(job: Job, effects: Finishing): Promise<void> {
  const chunks = (await effects.listJobChunks(job.job)).filter(({ done }) => done);
  const errors = await gatherErrors(job, chunks, effects);
  const { status, finishedAt, counts, reason, parts } = await publishManifest(
    await createManifest(job, { chunks, errors }, effects),
    effects,
  );
  const { succeeded, failed } = counts;
  const end = { status, finishedAt, counts: { succeeded, failed, chunks: parts.length } };
  await effects.updateJob(job.job, (current) => {
    if (current?.attempt !== job.attempt) return current;
    if (current.status === job.status) return { ...current, ...end, ...(reason !== undefined && { reason }) };
    // Chunks that were under way when the job was cancelled may be in a later manifest.
    const isLater = current.status === status && (current.counts?.chunks ?? 0) < parts.length;
    return isLater ? { ...current, counts: end.counts } : current;
  });
  // An alarm counts these lines.
  if (status === 'FAILED') log('error', 'a job failed', { job: job.job });
}

/** `errors.jsonl`, in the order of the input; undefined: no record has failed. */
async function gatherErrors(job: Job, chunks: readonly JobChunk[], effects: Finishing): Promise<string | undefined> {
  const key = resultKey(job.job, 'errors.jsonl');
  const failed = chunks.filter(({ done }) => done!.failed > 0);
  const before = await effects.findData(key);
  if (failed.length === 0) {
    if (before) await effects.removeData(key, before.etag);
    return undefined;
  }
  async function* lines(): AsyncGenerator<Buffer> {
    for (const { chunk, done } of failed) {
      const errors = await effects.streamData(chunkErrorsKey(job.job, chunk, done!));
      if (!errors) throw new Error(`the errors of chunk ${chunk} of job ${job.job} have expired`);
      yield* errors;
    }
  }
  const condition = { contentType: 'application/x-ndjson', ...(before && { replaces: before.etag }) };
  if (await writeLines(key, lines(), condition, effects)) return key;
  throw new Overtaken(`${key} was written by another worker`);
}

async function createManifest(
  job: Job,
  { chunks, errors }: { chunks: readonly JobChunk[]; errors: string | undefined },
  effects: Finishing,
): Promise<ResultsManifest> {
  const { status, reason, plan, attempt, createdAt } = job;
  const { records = 0, chunks: _, dataset, ...about } = plan ?? { labelled: false, parameters: {} };
  const shards = dataset && (await readPlan(job, effects)).sources.map(({ key, records }) => ({ key, records }));
  return {
    job: job.job,
    status: status === 'CANCELLING' ? 'CANCELLED' : reason === undefined ? 'COMPLETED' : 'FAILED',
    ...(reason !== undefined && { reason }),
    ...about,
    ...(dataset && { dataset: { ...dataset, shards: shards! } }),
    ...{ attempt, createdAt, finishedAt: new Date().toISOString() },
    counts: { total: records, ...countRecords(chunks) },
    parts: chunks.map(({ chunk, done }) => {
      const { succeeded, bytes, sha256 } = done!;
      return { chunk, key: partKey(job.job, chunk), records: succeeded, bytes, sha256 };
    }),
    ...(errors !== undefined && { errors }),
  };
}

/** Writes the manifest unless it has been written already, at an earlier delivery; gives the one that stands. */
async function publishManifest(manifest: ResultsManifest, effects: Finishing): Promise<ResultsManifest> {
  const key = resultKey(manifest.job, 'manifest.json');
  const object = await effects.findData(key);
  const body = object && (await effects.readData(key));
  if (body) {
    const before = resultsManifestSchema.parse(JSON.parse(body.toString('utf8')));
    if (isDeepStrictEqual(before, { ...manifest, finishedAt: before.finishedAt })) return before;
    const isOlder = before.attempt === manifest.attempt && before.parts.length > manifest.parts.length;
    if (isOlder || before.attempt > manifest.attempt) throw new Overtaken(`${key} is newer than what was gathered`);
  }
  const bytes = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  if (await effects.writeData(key, bytes, object ? { replaces: object.etag } : {})) return manifest;
  throw new Overtaken(`${key} was written by another worker`);
}
