import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Registration } from '../registry/model-manifest.ts';
import type { Services } from '../services.ts';
import { findModel } from './find-model.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { readJson } from './read-json.ts';

const post = { method: 'POST', errorFormat: 'open-inference', maxBodyBytes: 65_536 } as const;

const indexSchema = z.looseObject({ ready: z.boolean('true or false is needed').default(false) });
const loadSchema = z.looseObject({ parameters: z.record(z.string(), z.unknown()).default({}) });

/**
 * Triton's model repository extension. Models are loaded when they are asked, so that `unload` frees memory but takes
 * nothing out of service; what a version is not served by is its alias.
 * Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_model_repository.md
 */
export const modelRepositoryRoutes: readonly Route[] = [
  {
    ...post,
    path: '/v2/repository/index',
    summary: 'Versions of all models, and their states',
    body: indexSchema,
    handle: readIndex,
  },
  {
    ...post,
    path: '/v2/repository/models/{model}/load',
    summary: 'Loads a model on its host',
    body: loadSchema,
    handle: load,
  },
  {
    ...post,
    path: '/v2/repository/models/{model}/unload',
    summary: 'Frees the memory that a model takes',
    handle: unload,
  },
];

/** Triton's names of the states. */
const states: Record<Registration['status'], string> = { VALIDATING: 'LOADING', READY: 'READY', FAILED: 'UNAVAILABLE' };

async function readIndex(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { ready } = readJson(request, indexSchema);
  const entries = await services.listModelEntries();
  const lists = await Promise.all(
    entries.map(async ({ name, versions }) => {
      const registrations = await services.listRegistrations(name);
      return registrations
        .filter(({ version, status }) => (status === 'READY' ? versions.includes(version) : !ready))
        .map(({ version, status, reason = '' }) => ({ name, version, state: states[status], reason }));
    }),
  );
  return { status: 200, body: lists.flat() };
}

async function load(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { parameters } = readJson(request, loadSchema);
  const [unknown] = Object.keys(parameters);
  if (unknown !== undefined) {
    const reason = `'${unknown}' is not taken: a version never changes; push another one`;
    throw new ServiceError('invalid_request', `failed to load '${request.parameters.model}': ${reason}`);
  }
  const name = request.parameters.model ?? '';
  const model = await findModel(name, undefined, services).catch((error: unknown) => {
    if (!(error instanceof ServiceError && error.code === 'model_not_found')) throw error;
    throw new ServiceError('model_not_found', `failed to load '${name.slice(0, 100)}': ${error.message}`);
  });
  await services.loadModel(model, request.deadline);
  return { status: 200, body: {} };
}

/** All versions of `<model>`, or the one that `<model>@<alias>` means. */
async function unload(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const reference = request.parameters.model ?? '';
  const models = reference.includes('@')
    ? [await findModel(reference, undefined, services)]
    : await Promise.all(
        (await services.readModelEntry(reference)).versions.map((one) => services.readModel(reference, one)),
      );
  await Promise.all(models.map((model) => services.unloadModel(model, request.deadline)));
  return { status: 200, body: {} };
}
