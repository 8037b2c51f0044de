import { comparisonSchema } from '../reports/comparison.ts';
import { reportSchema } from '../reports/report.ts';
import { type Descriptions, json } from './description.ts';

export const reportDescriptions: Descriptions = {
  'GET /v1/jobs/{job}/report': { answers: { 200: { 'application/json': reportSchema, 'text/html': 'text' } } },
  'GET /v1/jobs/{job}/compare/{other}': json(comparisonSchema),
};
