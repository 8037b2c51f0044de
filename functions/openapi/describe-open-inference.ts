import * as z from 'zod';
import { datatypeSizes } from '../inference/protocol.ts';
import { type Descriptions, json } from './description.ts';

const parameters = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).nullish();
const datatype = z.enum(Object.keys(datatypeSizes) as [string]);
const tensor = z.object({
  name: z.string(),
  datatype,
  shape: z.array(z.int().min(0)),
  data: z.array(z.unknown()).optional().describe('Elements in row-major order, flat or nested.'),
  parameters: parameters.describe('binary_data_size: bytes of this tensor behind the JSON, in place of data.'),
});
const metadata = z.object({ name: z.string(), datatype, shape: z.array(z.int().min(-1)) });
const inferRequest = z.strictObject({
  id: z.string().nullish(),
  model_name: z.unknown().optional(),
  model_version: z.unknown().optional(),
  parameters,
  inputs: z.array(z.strictObject(tensor.shape)),
  outputs: z
    .array(z.strictObject({ name: z.string(), parameters: parameters.describe('binary_data, classification.') }))
    .nullish(),
});
const inferResponse = z.object({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().optional(),
  parameters,
  outputs: z.array(tensor),
});

const duration = z.object({ count: z.int().min(0), ns: z.int().min(0) });
const statistics = z.object({
  model_stats: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      last_inference: z.int().min(0),
      inference_count: z.int().min(0),
      execution_count: z.int().min(0),
      inference_stats: z.object({ success: duration, fail: duration, queue: duration, compute_infer: duration }),
      batch_stats: z.array(z.object({ batch_size: z.int().min(1), compute_infer: duration })),
    }),
  ),
});
const readiness = z.object({ name: z.string(), ready: z.boolean() });
const modelMetadata = z.object({
  name: z.string(),
  versions: z.array(z.string()),
  platform: z.string(),
  inputs: z.array(metadata),
  outputs: z.array(metadata),
});
const configuration = z.object({ name: z.string(), max_batch_size: z.int().min(0) });
const index = z.array(
  z.object({
    name: z.string(),
    version: z.string(),
    state: z.enum(['READY', 'LOADING', 'UNAVAILABLE']),
    reason: z.string(),
  }),
);
const empty = json(z.object({}));
const settings = json(z.record(z.string(), z.unknown()));
const regions = json(z.array(z.unknown()));
const nothing = { answers: { 200: null } };

const binary = 'application/octet-stream';
const infer = {
  body: { 'application/json': inferRequest, [binary]: 'bytes' },
  answers: { 200: { 'application/json': inferResponse, [binary]: 'bytes' } },
  headers: {
    'inference-header-content-length': 'Length in bytes of the JSON before the tensors, where they are binary.',
    'x-lambent-model-version': 'The version that answered.',
    'x-lambent-served-by': 'The host that stood in for the one that should have answered.',
  },
} as const;

/** Both paths of what a model has. */
function ofModel(method: string, suffix: string, description: Descriptions[string]): Descriptions {
  return {
    [`${method} /v2/models/{model}${suffix}`]: description,
    [`${method} /v2/models/{model}/versions/{version}${suffix}`]: description,
  };
}

function ofSharedMemory(path: string): Descriptions {
  return {
    [`GET ${path}/status`]: regions,
    [`GET ${path}/region/{region}/status`]: regions,
    [`POST ${path}/region/{region}/register`]: nothing,
    [`POST ${path}/region/{region}/unregister`]: nothing,
    [`POST ${path}/unregister`]: nothing,
  };
}

export const openInferenceDescriptions: Descriptions = {
  'GET /v2': json(z.object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) })),
  'GET /v2/health/live': json(z.object({ live: z.boolean() })),
  'GET /v2/health/ready': json(z.object({ ready: z.boolean() })),
  'GET /v2/models/stats': json(statistics),
  ...ofModel('GET', '', json(modelMetadata)),
  ...ofModel('GET', '/ready', json(readiness)),
  ...ofModel('GET', '/config', json(configuration)),
  ...ofModel('GET', '/stats', json(statistics)),
  ...ofModel('POST', '/infer', infer),
  'POST /v2/repository/index': json(index),
  'POST /v2/repository/models/{model}/load': empty,
  'POST /v2/repository/models/{model}/unload': empty,
  'GET /v2/trace/setting': settings,
  'POST /v2/trace/setting': settings,
  'GET /v2/models/{model}/trace/setting': settings,
  'POST /v2/models/{model}/trace/setting': settings,
  'GET /v2/logging': settings,
  'POST /v2/logging': settings,
  ...ofSharedMemory('/v2/systemsharedmemory'),
  ...ofSharedMemory('/v2/cudasharedmemory'),
};
