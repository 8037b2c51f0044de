import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import { findModel } from './find-model.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { readJson } from './read-json.ts';

const get = { method: 'GET', errorFormat: 'open-inference' } as const;
const post = { method: 'POST', errorFormat: 'open-inference', maxBodyBytes: 65_536 } as const;

/** Triton's words for what holds here: requests are traced by X-Ray and logged by line, as they are deployed. */
const traceSettings = {
  trace_level: ['OFF'],
  trace_rate: '1000',
  trace_count: '-1',
  log_frequency: '0',
  trace_file: '',
  trace_mode: 'triton',
};
const logSettings = {
  log_file: '',
  log_info: true,
  log_warning: true,
  log_error: true,
  log_verbose_level: 0,
  log_format: 'default',
};

const setting = z.union([z.string(), z.array(z.string()), z.number(), z.boolean(), z.null()]);
const settingsSchema = z.record(z.string(), setting);

/**
 * The rest of what Triton's clients call. Settings of a server are those of a deployment here: they are told, and a change
 * is refused. Callers and models share no memory, so no region is ever registered.
 * Source: https://github.com/triton-inference-server/server/tree/main/docs/protocol (trace, logging, shared memory)
 */
export const tritonSettingRoutes: readonly Route[] = [
  ...settings('/v2/trace/setting', 'How requests are traced', traceSettings),
  ...settings('/v2/models/{model}/trace/setting', 'How requests of a model are traced', traceSettings),
  ...settings('/v2/logging', 'What the server logs', logSettings),
  ...['system', 'cuda'].flatMap((kind) => sharedMemory(`/v2/${kind}sharedmemory`)),
];

function settings(path: string, summary: string, current: Readonly<Record<string, unknown>>): Route[] {
  const answer = async ({ parameters }: HttpRequest, services: Services): Promise<HttpResponse> => {
    if (parameters.model !== undefined) await findModel(parameters.model, undefined, services);
    return { status: 200, body: current };
  };
  const change: Route['handle'] = async (request, services) => {
    for (const [name, value] of Object.entries(readJson(request, settingsSchema))) keep(name, value, current);
    return await answer(request, services);
  };
  return [
    { ...get, path, summary, handle: answer },
    { ...post, path, summary: `${summary}; a change is refused`, body: settingsSchema, handle: change },
  ];
}

/** A value that is in force already is no change; null asks for the server's own. */
function keep(name: string, value: z.infer<typeof setting>, current: Readonly<Record<string, unknown>>): void {
  if (!Object.hasOwn(current, name)) {
    const known = Object.keys(current).join(', ');
    throw new ServiceError('invalid_request', `unknown setting '${name.slice(0, 40)}'; there are ${known}`);
  }
  if (value === null || String(value) === String(current[name])) return;
  throw new ServiceError(
    'invalid_request',
    `${name} is ${JSON.stringify(current[name])} and cannot be changed by calls`,
  );
}

function sharedMemory(path: string): Route[] {
  const none = async () => ({ status: 200, body: [] });
  const freed = async () => ({ status: 200 });
  return [
    { ...get, path: `${path}/status`, summary: 'Regions of shared memory: none', handle: none },
    { ...get, path: `${path}/region/{region}/status`, summary: 'A region of shared memory', handle: refuse },
    {
      ...post,
      path: `${path}/region/{region}/register`,
      summary: 'Refused: callers and models share no memory',
      handle: refuse,
    },
    { ...post, path: `${path}/region/{region}/unregister`, summary: 'Nothing: no region is registered', handle: freed },
    { ...post, path: `${path}/unregister`, summary: 'Nothing: no region is registered', handle: freed },
  ];
}

async function refuse({ parameters }: HttpRequest): Promise<HttpResponse> {
  const region = (parameters.region ?? '').slice(0, 100);
  throw new ServiceError(
    'invalid_request',
    `Unable to find shared memory region: '${region}'. Callers and models share no memory here: send tensors in binary`,
  );
}
