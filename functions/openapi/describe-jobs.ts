import * as z from 'zod';
import { estimateSchema } from '../jobs/estimate-job.ts';
import { jobStatusSchema } from '../jobs/read-job.ts';
import { type Descriptions, json } from './description.ts';

const lines = { answers: { 200: { 'application/x-ndjson': 'text' } } } as const;

export const jobDescriptions: Descriptions = {
  'POST /v1/jobs': {
    answers: { 201: { 'application/json': jobStatusSchema } },
    headers: { location: 'Where it can be watched.' },
  },
  'GET /v1/jobs': json(z.object({ jobs: z.array(jobStatusSchema), next: z.string().optional() })),
  'POST /v1/jobs/estimate': json(estimateSchema),
  'GET /v1/jobs/{job}': json(jobStatusSchema),
  'GET /v1/jobs/{job}/results': lines,
  'GET /v1/jobs/{job}/errors': lines,
  'POST /v1/jobs/{job}/cancel': json(jobStatusSchema),
  'POST /v1/jobs/{job}/resume': json(jobStatusSchema),
  'POST /v1/jobs/{job}/retry': json(jobStatusSchema),
};
