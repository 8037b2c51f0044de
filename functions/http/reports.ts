import * as z from 'zod';
import { pagePolicy } from '../page/page.ts';
import { compareJobs } from '../reports/compare-jobs.ts';
import { readReport } from '../reports/read-report.ts';
import type { Services } from '../services.ts';
import { reportKey } from '../storage/object-keys.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { findOwnJob } from './own-job.ts';
import { parseInput } from './parse-input.ts';

/** More are compared by `npm run jobs -- compare`: an answer must come within the function's time. */
const maxComparedRecords = 100_000;

const format = "'json' or 'html' is needed";
const querySchema = z.object({
  format: z.enum(['json', 'html'], format).default('json').describe('html: the page for people.'),
});

/** What the answers of labelled jobs are worth. See docs/evaluation.md. */
export const reportRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/jobs/{job}/report',
    summary: 'What the answers of a labelled job are worth',
    query: querySchema,
    errorFormat: 'openai',
    handle: report,
  },
  {
    method: 'GET',
    path: '/v1/jobs/{job}/compare/{other}',
    summary: 'What changes from one job to another over the same records',
    errorFormat: 'openai',
    handle: compare,
  },
];

async function report(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const job = await findOwnJob(request.parameters.job, request, services);
  const body = await readReport(job, services);
  const page =
    parseInput(querySchema, request.query).format === 'html' &&
    (await services.readData(reportKey(job, 'report.html')));
  if (!page) return { status: 200, body };
  const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': pagePolicy };
  return { status: 200, headers, body: page };
}

async function compare(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const job = await findOwnJob(request.parameters.job, request, services);
  const other = await findOwnJob(request.parameters.other, request, services);
  return { status: 200, body: await compareJobs(job, other, services, maxComparedRecords) };
}
