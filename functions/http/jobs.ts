import { Readable } from 'node:stream';
import * as z from 'zod';
import { cancelJob, resumeJob, retryJob } from '../jobs/control-job.ts';
import { createJob } from '../jobs/create-job.ts';
import { estimateJob } from '../jobs/estimate-job.ts';
import { type JobRequest, jobRequestSchema } from '../jobs/job.ts';
import { listJobs, readJob } from '../jobs/read-job.ts';
import { readErrors, readResults } from '../jobs/read-results.ts';
import type { Services } from '../services.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { jobServices } from './job-services.ts';
import { checkOwnInput, findOwnJob } from './own-job.ts';
import { parseInput } from './parse-input.ts';
import { readJson } from './read-json.ts';

const count = 'a whole number from 1 to 100 is needed';
const pageSchema = z.object({
  limit: z.coerce.number(count).int(count).min(1, count).max(100, count).default(20),
  before: z
    .string()
    .min(1, 'the `next` of the page before is needed')
    .max(500)
    .optional()
    .describe('`next` of the page before'),
});
const part = 'the number of a part is needed';
const partSchema = z.object({ part: z.coerce.number(part).int(part).min(0, part).optional() });

/** What jobs/<job>.json holds, and beside it the job's name. */
const bodySchema = jobRequestSchema.safeExtend({ job: z.string('a name is needed').optional() });

const body = { body: bodySchema, maxBodyBytes: 1_048_576, errorFormat: 'openai' } as const;
const path = '/v1/jobs/{job}';
const one = { errorFormat: 'openai' } as const;

/** Jobs: many records for one model, answered by `run-batch`. A key sees its own alone. See docs/jobs.md. */
export const jobRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/jobs', summary: 'Begin a job', ...body, handle: create },
  {
    method: 'GET',
    path: '/v1/jobs',
    summary: 'Jobs of this API key, the latest first',
    ...one,
    query: pageSchema,
    handle: list,
  },
  { method: 'POST', path: '/v1/jobs/estimate', summary: 'What a job would need', ...body, handle: estimate },
  { method: 'GET', path, summary: 'How far a job has come', ...one, handle: read },
  { method: 'GET', path: `${path}/results`, summary: 'What it answered', ...one, query: partSchema, handle: results },
  { method: 'GET', path: `${path}/errors`, summary: 'What it could not answer', ...one, handle: errors },
  { method: 'POST', path: `${path}/cancel`, summary: 'Stop a job', ...one, handle: control(cancelJob) },
  { method: 'POST', path: `${path}/resume`, summary: 'Run what was not run', ...one, handle: control(resumeJob) },
  { method: 'POST', path: `${path}/retry`, summary: 'Run what has no answer', ...one, handle: control(retryJob) },
];

async function create(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { name, asked } = readRequest(request);
  const owner = request.apiKey?.id;
  const { job } = await createJob(asked, { ...services, ...jobServices(services) }, { name, owner });
  return { status: 201, headers: { location: `/v1/jobs/${job}` }, body: await readJob(job, services) };
}

/** `job`, the name, stands beside what jobs/<job>.json would hold. */
function readRequest(request: HttpRequest): { name: string | undefined; asked: JobRequest } {
  const { job: name, ...asked } = readJson(request, bodySchema);
  checkOwnInput(asked, request);
  return { name, asked };
}

async function list({ query, apiKey }: HttpRequest, services: Services): Promise<HttpResponse> {
  return { status: 200, body: await listJobs({ ...parseInput(pageSchema, query), owner: apiKey?.id }, services) };
}

async function estimate(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { asked } = readRequest(request);
  const effects = { ...services, ...jobServices(services) };
  return { status: 200, body: await estimateJob(asked, effects, request.deadline) };
}

async function read(request: HttpRequest, services: Services): Promise<HttpResponse> {
  return { status: 200, body: await readJob(await findName(request, services), services) };
}

async function results(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { part } = parseInput(partSchema, request.query);
  return lines(await readResults(await findName(request, services), part, services));
}

async function errors(request: HttpRequest, services: Services): Promise<HttpResponse> {
  return lines(await readErrors(await findName(request, services), services));
}

function lines(chunks: AsyncIterable<Uint8Array>): HttpResponse {
  const body = Readable.from(chunks, { objectMode: false });
  return { status: 200, headers: { 'content-type': 'application/x-ndjson' }, body };
}

function control(change: typeof cancelJob): Route['handle'] {
  return async (request, services) => {
    const { job } = await change(await findName(request, services), services);
    return { status: 200, body: await readJob(job, services) };
  };
}

function findName(request: HttpRequest, services: Services): Promise<string> {
  return findOwnJob(request.parameters.job, request, services);
}
