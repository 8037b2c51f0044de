import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Model, Registration } from '../registry/model-manifest.ts';
import type { ModelEntry, Services } from '../services.ts';
import { findModel } from './find-model.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { checkConfigurationOverride } from './model-configuration.ts';
import { readJson } from './read-json.ts';

const post = { method: 'POST', errorFormat: 'open-inference', maxBodyBytes: 65_536 } as const;

const indexSchema = z.looseObject({ ready: z.boolean('true or false is needed').default(false) });
const loadSchema = z.looseObject({ parameters: z.record(z.string(), z.unknown()).default({}) });

/**
 * Triton's model repository extension. Models are loaded when they are asked, so that `unload` frees memory and says "not
 * ready" until the next `load`, but takes nothing out of service; what a version is not served by is its alias.
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
    summary: 'Frees the memory that a model takes; it is not ready until it is loaded',
    handle: unload,
  },
];

/** Triton's names of the states. */
const states: Record<Registration['status'], string> = { VALIDATING: 'LOADING', READY: 'READY', FAILED: 'UNAVAILABLE' };

async function readIndex(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { ready } = readJson(request, indexSchema);
  const entries = await services.listModelEntries();
  const lists = await Promise.all(
    entries.map(async (entry) => {
      const registrations = await services.listRegistrations(entry.name);
      return registrations
        .filter(({ version, status }) => status !== 'READY' || entry.versions.includes(version))
        .map((registration) => renderState(registration, entry));
    }),
  );
  return { status: 200, body: lists.flat().filter(({ state }) => !ready || state === 'READY') };
}

function renderState({ name, version, status, reason = '' }: Registration, { unloaded }: ModelEntry) {
  if (status === 'READY' && unloaded) return { name, version, state: 'UNAVAILABLE', reason: 'unloaded' };
  return { name, version, state: states[status], reason };
}

async function load(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const reference = request.parameters.model ?? '';
  try {
    const model = await findLoadable(reference, request, services);
    await services.loadModel(model, request.deadline);
    await services.updateModelEntry(model.manifest.name, ({ unloaded: _, ...entry }) => entry);
    return { status: 200, body: {} };
  } catch (error) {
    throw failedToLoad(reference, error);
  }
}

/** In the words that Triton's clients look for. */
function failedToLoad(reference: string, error: unknown): unknown {
  if (!(error instanceof ServiceError)) return error;
  const { code, message, retryAfterSeconds } = error;
  return new ServiceError(code, `failed to load '${reference.slice(0, 100)}': ${message}`, {
    cause: error,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

/** Throws invalid_request where the parameters would change the version: `config`, the files of a model. */
async function findLoadable(reference: string, request: HttpRequest, services: Services): Promise<Model> {
  const { config, ...others } = readJson(request, loadSchema).parameters;
  const model = await findModel(reference, undefined, services);
  if (config !== undefined) checkConfigurationOverride(config, model);
  const [unknown] = Object.keys(others);
  if (unknown === undefined) return model;
  const message = `'${unknown.slice(0, 100)}' is not taken: a version never changes; push another one`;
  throw new ServiceError('invalid_request', message);
}

/** All versions of `<model>`, or the memory of the one that `<model>@<alias>` means. */
async function unload(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const reference = request.parameters.model ?? '';
  if (reference.includes('@')) {
    await services.unloadModel(await findModel(reference, undefined, services), request.deadline);
    return { status: 200, body: {} };
  }
  const { versions } = await services.readModelEntry(reference);
  await services.updateModelEntry(reference, (entry) => ({ ...entry, unloaded: true }));
  const models = await Promise.all(versions.map((version) => services.readModel(reference, version)));
  await Promise.all(models.map((model) => services.unloadModel(model, request.deadline)));
  return { status: 200, body: {} };
}
