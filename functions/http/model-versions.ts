import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { changeHost } from '../registry/change-host.ts';
import { listVersions, readVersion, type VersionState } from '../registry/list-versions.ts';
import { deleteVersion } from '../registry/model-entry.ts';
import { modelHosts } from '../registry/model-manifest.ts';
import type { Services } from '../services.ts';
import { modelFileKey, modelNamePattern, modelVersionPattern } from '../storage/object-keys.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { readJson } from './read-json.ts';

const maxBodyBytes = 1_048_576;
const errorFormat = 'hugging-face';
const uploadSeconds = 3600;

const hostSchema = z.strictObject({ host: z.enum(modelHosts) });
const uploadsSchema = z.strictObject({
  files: z.array(z.string().min(1).max(512)).min(1, 'at least one path is needed').max(1000),
});

/** The versions of a model: how far each has come, where it is served, and how a new one is uploaded. */
export const modelVersionRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/models/{model}/versions',
    summary: 'The versions of a model and how far each has come',
    errorFormat,
    handle: readVersions,
  },
  {
    method: 'GET',
    path: '/models/{model}/versions/{version}',
    summary: 'How far one version has come',
    errorFormat,
    handle: readOneVersion,
  },
  {
    method: 'PUT',
    path: '/models/{model}/versions/{version}',
    summary: 'Changes the host that a version is served by',
    body: hostSchema,
    errorFormat,
    maxBodyBytes,
    handle: putVersion,
  },
  {
    method: 'DELETE',
    path: '/models/{model}/versions/{version}',
    summary: 'Takes a version out of service',
    errorFormat,
    handle: removeVersion,
  },
  {
    method: 'POST',
    path: '/v1/models/{model}/versions/{version}/uploads',
    summary: 'URLs to put the files of a new version to',
    body: uploadsSchema,
    errorFormat: 'openai',
    maxBodyBytes,
    handle: createUploads,
  },
];

async function readVersions({ parameters }: HttpRequest, services: Services): Promise<HttpResponse> {
  const name = parameters.model ?? '';
  const states = await listVersions(name, services);
  if (states.length === 0) throw new ServiceError('model_not_found', `no version of '${name}' was uploaded`);
  return { status: 200, body: { name, versions: states.map(render) } };
}

async function readOneVersion({ parameters }: HttpRequest, services: Services): Promise<HttpResponse> {
  const { model = '', version = '' } = parameters;
  checkNames(model, version);
  const state = await readVersion(model, version, services);
  if (state) return { status: 200, body: render(state) };
  throw new ServiceError('model_not_found', `there is no version '${version}' of model '${model}'`);
}

async function putVersion(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { model = '', version = '' } = request.parameters;
  const { host } = readJson(request, hostSchema);
  await changeHost({ name: model, version, host }, services);
  return { status: 200, body: { name: model, version, host } };
}

async function removeVersion({ parameters }: HttpRequest, services: Services): Promise<HttpResponse> {
  const { model = '', version = '' } = parameters;
  await services.readModelEntry(model);
  await services.updateModelEntry(model, (entry) => deleteVersion(entry, version));
  return { status: 204 };
}

/** URLs that take one PUT each, without credentials; model.json is to be put last. */
async function createUploads(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { model = '', version = '' } = request.parameters;
  checkNames(model, version);
  const { files } = readJson(request, uploadsSchema);
  const strange = files.find((path) => path.split('/').some((part) => part === '' || part === '.' || part === '..'));
  if (strange !== undefined) throw new ServiceError('invalid_request', `'${strange}' is not a plain relative path`);
  const registration = await services.readRegistration(model, version);
  if (registration?.status === 'READY') {
    throw new ServiceError(
      'conflict',
      `version ${version} of ${model} is READY and never changes: choose another version`,
    );
  }
  const urls = await Promise.all(
    [...new Set([...files.filter((path) => path !== 'model.json'), 'model.json'])].map(async (path) => {
      const url = await services.presignUpload(modelFileKey(model, version, path), uploadSeconds);
      return { path, method: 'PUT', url };
    }),
  );
  return { status: 200, body: { object: 'list', data: urls, expires_in: uploadSeconds } };
}

function checkNames(model: string, version: string): void {
  if (!modelNamePattern.test(model)) {
    throw new ServiceError('invalid_request', `'${model}' is no model name: a-z, 0-9, '.', '_' and '-', at most 63`);
  }
  if (!modelVersionPattern.test(version)) {
    throw new ServiceError(
      'invalid_request',
      `'${version}' is no version: letters, digits, '.', '_' and '-', at most 32`,
    );
  }
}

function render(state: VersionState): object {
  if (state.status === 'REGISTERED') return state;
  const { name, version, status, reason, registeredAt, startedAt, finishedAt, host, withoutArchive } = state;
  return { name, version, status, reason, registeredAt, startedAt, finishedAt, host, withoutArchive };
}
