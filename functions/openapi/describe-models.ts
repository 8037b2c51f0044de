import * as z from 'zod';
import { aliasTargetSchema, modelEntrySchema } from '../registry/model-entry.ts';
import { modelHosts } from '../registry/model-manifest.ts';
import { taskInputs, taskOutputs } from './describe-tasks.ts';
import { type Descriptions, json } from './description.ts';

const { name, aliases, splits, versions, history } = modelEntrySchema.shape;
const entry = z.object({ name, aliases, splits, versions });
const version = z.object({
  name: z.string(),
  version: z.string(),
  status: z.enum(['REGISTERED', 'VALIDATING', 'READY', 'FAILED']),
  reason: z.string().optional(),
});
const movedAliases = json(z.object({ name, aliases: z.record(z.string(), aliasTargetSchema), history }));

/** The platform's own paths, and those of Hugging Face's client. */
export const modelDescriptions: Descriptions = {
  'GET /models': json(z.object({ models: z.array(entry) })),
  'GET /models/{model}': json(entry.extend({ task: z.string().optional(), host: z.enum(modelHosts) })),
  'POST /models/{model}': {
    body: { 'application/json': taskInputs, '*/*': 'bytes' },
    answers: { 200: { 'application/json': taskOutputs, 'image/png': 'bytes' } },
    headers: {
      'x-lambent-model-version': 'The version that answered.',
      'x-lambent-served-by': 'The host that stood in for the one that should have answered.',
    },
  },
  'GET /models/{model}/aliases': movedAliases,
  'PUT /models/{model}/aliases/{alias}': movedAliases,
  'DELETE /models/{model}/aliases/{alias}': movedAliases,
  'POST /models/{model}/aliases/{alias}/rollback': movedAliases,
  'GET /models/{model}/versions': json(z.object({ name, versions: z.array(version) })),
  'GET /models/{model}/versions/{version}': json(version),
  'PUT /models/{model}/versions/{version}': json(z.object({ name, version: z.string(), host: z.enum(modelHosts) })),
  'DELETE /models/{model}/versions/{version}': { answers: { 204: null } },
  'GET /metrics': { answers: { 200: { 'text/plain': 'text' } } },
  'GET /openapi.json': json(z.object({ openapi: z.literal('3.1.1') })),
  'GET /docs': { answers: { 200: { 'text/html': 'text' } } },
};
