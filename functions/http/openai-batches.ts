import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { type Batch, batches, batchSeconds, jobOf } from '../files/batch.ts';
import { createId, listOwned, readOwned } from '../files/owned-records.ts';
import { storedFiles } from '../files/stored-file.ts';
import { cancelJob } from '../jobs/control-job.ts';
import { createJob } from '../jobs/create-job.ts';
import { type JobStatus, readJob } from '../jobs/read-job.ts';
import type { Services } from '../services.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { jobServices } from './job-services.ts';
import { renderBatch } from './openai-batch-status.ts';
import { expiresAfter, ownerOf, pageQuery, renderList } from './openai-files.ts';
import { parseInput } from './parse-input.ts';
import { readJson } from './read-json.ts';

/** How long one message that asks for files is enough. */
const publishMilliseconds = 30_000;

const metadataForm = 'up to 16 texts by name are needed';
const creation = z.object({
  input_file_id: z.string('the id of a file with the purpose batch is needed'),
  endpoint: z.string('a path of the API such as /v1/embeddings or /models/<model> is needed'),
  completion_window: z.literal('24h', "'24h' is needed"),
  metadata: z
    .record(z.string().max(64, metadataForm), z.string(metadataForm).max(512, metadataForm), metadataForm)
    .refine((pairs) => Object.keys(pairs).length <= 16, metadataForm)
    .nullish(),
  output_expires_after: expiresAfter,
});
const listQuery = pageQuery(100, 20);

const path = '/v1/batches';
const post = { method: 'POST', errorFormat: 'openai', maxBodyBytes: 1_048_576 } as const;
const get = { method: 'GET', errorFormat: 'openai' } as const;

/** Batches, on the engine of jobs. Source: https://github.com/openai/openai-openapi, CreateBatchRequest, Batch. */
export const openaiBatchRoutes: readonly Route[] = [
  { ...post, path, summary: 'Begins a batch of requests', body: creation, handle: create },
  { ...get, path, summary: 'Batches of this API key, the newest first', query: listQuery, handle: list },
  { ...get, path: `${path}/{batch}`, summary: 'How far a batch has come', handle: read },
  { ...post, path: `${path}/{batch}/cancel`, summary: 'Stops a batch', handle: cancel },
];

/** The record first: a job that nobody can find must not run. */
async function create(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const given = readJson(request, creation);
  const owner = ownerOf(request);
  const file = await readOwned(storedFiles, owner, given.input_file_id, services);
  if (file.purpose !== 'batch') {
    throw new ServiceError('invalid_request', `file ${file.id} has the purpose ${file.purpose}; batch is needed`);
  }
  const effects = { ...services, ...jobServices(services) };
  effects.checkEndpoint(given.endpoint);
  const batch: Batch = {
    ...{ id: createId('batch_'), revision: 1, createdAt: Math.floor(Date.now() / 1000) },
    ...{ inputFile: file.id, endpoint: given.endpoint },
    ...(given.metadata && { metadata: given.metadata }),
    ...(given.output_expires_after && { outputExpiresAfter: given.output_expires_after.seconds }),
  };
  await services.writeRecord('BATCH', owner, batch);
  const job = { name: jobOf(batch), owner: request.apiKey?.id };
  await createJob({ input: file.key, endpoint: given.endpoint }, effects, job);
  return { status: 200, body: await describe(batch, owner, services) };
}

async function list(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { after, limit } = parseInput(listQuery, request.query);
  const owner = ownerOf(request);
  const { records, more } = await listOwned(batches, owner, { after, limit, descending: true }, services);
  const described = await Promise.all(records.map((batch) => describe(batch, owner, services)));
  return { status: 200, body: renderList(described, more) };
}

async function read(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const owner = ownerOf(request);
  const batch = await readOwned(batches, owner, request.parameters.batch ?? '', services);
  return { status: 200, body: await describe(batch, owner, services) };
}

async function cancel(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const owner = ownerOf(request);
  const batch = await readOwned(batches, owner, request.parameters.batch ?? '', services);
  const { status } = await readJob(jobOf(batch), services);
  if (status === 'COMPLETED' || status === 'FAILED') {
    throw new ServiceError('invalid_request', `batch ${batch.id} is ${status.toLowerCase()} and cannot be cancelled`);
  }
  await cancelJob(jobOf(batch), services);
  return { status: 200, body: await describe(await noteCancelled(batch, owner, services), owner, services) };
}

async function noteCancelled(batch: Batch, owner: string, services: Services): Promise<Batch> {
  if (batch.cancelledAt !== undefined) return batch;
  const cancelled = { ...batch, revision: batch.revision + 1, cancelledAt: Math.floor(Date.now() / 1000) };
  return (await services.writeRecord('BATCH', owner, cancelled))
    ? cancelled
    : await readOwned(batches, owner, batch.id, services);
}

/** A batch and its job. One whose day is over is stopped, and one whose job has ended gets its files. */
async function describe(batch: Batch, owner: string, services: Services) {
  const job = await readJob(jobOf(batch), services).catch((error: unknown) => {
    // A batch whose job was not made any more: its maker was told.
    if (error instanceof ServiceError && error.code === 'not_found') return undefined;
    throw error;
  });
  if (job && isLate(batch, job)) {
    await cancelJob(jobOf(batch), services);
    return renderBatch(await noteCancelled(batch, owner, services), await readJob(jobOf(batch), services));
  }
  if (job?.finishedAt !== undefined && batch.publishedAt === undefined) await askForFiles(batch, owner, services);
  return renderBatch(batch, job);
}

function isLate({ createdAt }: Batch, { status }: JobStatus): boolean {
  return (createdAt + batchSeconds) * 1000 < Date.now() && (status === 'PLANNING' || status === 'RUNNING');
}

async function askForFiles(batch: Batch, owner: string, services: Services): Promise<void> {
  const asked = await services.claim(`publish ${batch.id}`, createId('poll_'), Date.now() + publishMilliseconds);
  if (asked === undefined) return;
  await services.sendWork('run-batch', [{ publish: { owner, batch: batch.id } }]);
}
