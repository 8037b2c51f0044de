import { ServiceError } from '../errors.ts';
import { defaultAlias } from '../registry/model-entry.ts';
import type { ModelEntry, Services } from '../services.ts';
import { findModel } from './find-model.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';

/**
 * The models in OpenAI's words. A client writes a name as one percent-encoded segment of the path.
 * Source: https://github.com/openai/openai-openapi, ListModelsResponse and Model.
 */
export const openaiModelRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/models', summary: 'All models that answer', errorFormat: 'openai', handle: listModels },
  { method: 'GET', path: '/v1/models/{model}', summary: 'One model', errorFormat: 'openai', handle: readModel },
];

/** Those that answer when they are named: a model whose `production` alias points nowhere is not among them. */
async function listModels(_request: HttpRequest, services: Services): Promise<HttpResponse> {
  const entries = await services.listModelEntries();
  const data = entries.flatMap((entry) => {
    const version = entry.aliases[defaultAlias];
    return version === undefined ? [] : [renderModel(entry.name, entry, version, services)];
  });
  return { status: 200, body: { object: 'list', data: await Promise.all(data) } };
}

async function readModel({ parameters }: HttpRequest, services: Services): Promise<HttpResponse> {
  const reference = parameters.model ?? '';
  const { manifest } = await findModel(reference, undefined, services);
  const entry = await services.readModelEntry(manifest.name);
  return { status: 200, body: await renderModel(reference, entry, manifest.version, services) };
}

/** `created`: when the version was registered, in seconds since the epoch. */
async function renderModel(id: string, { name }: ModelEntry, version: string, services: Services): Promise<object> {
  const registration = await services.readRegistration(name, version);
  if (!registration) throw new ServiceError('model_not_found', `there is no version '${version}' of model '${name}'`);
  const created = Math.floor(Date.parse(registration.finishedAt ?? registration.startedAt) / 1000);
  return { id, object: 'model', created, owned_by: 'lambent' };
}
