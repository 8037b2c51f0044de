import { ServiceError } from '../errors.ts';
import { parseJson, readText } from '../parse-json.ts';
import type { Model } from '../registry/model-manifest.ts';
import type { ModelEntry, Services } from '../services.ts';
import { findImageModel } from '../tasks/image-input.ts';
import { findTask } from '../tasks/index.ts';
import { textGeneration } from '../tasks/task-names.ts';
import { runOffLoop } from '../threads/run-off-loop.ts';
import { answeringModel } from './answering-model.ts';
import { callerOf, findModel } from './find-model.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { parseInput } from './parse-input.ts';
import { completeInputs } from './text-generation.ts';

/** A picture in base64 in JSON, at API Gateway's own limit of 10 MB for a request. */
const maxBodyBytes = 10_485_760;
const errorFormat = 'hugging-face';

/** Hugging Face's way of asking: the model is in the path, its task decides what goes in and out. */
export const modelRoutes: readonly Route[] = [
  { method: 'GET', path: '/models', summary: 'All models', errorFormat, handle: listModels },
  {
    method: 'GET',
    path: '/models/{model}',
    summary: 'One model: task, tensors, labels',
    errorFormat,
    handle: readModel,
  },
  {
    method: 'POST',
    path: '/models/{model}',
    summary: 'Asks a model by its task',
    errorFormat,
    maxBodyBytes,
    handle: askModel,
  },
];

async function listModels(_request: HttpRequest, services: Services): Promise<HttpResponse> {
  const entries = await services.listModelEntries();
  return { status: 200, body: { models: entries.map(renderEntry) } };
}

async function readModel({ parameters }: HttpRequest, services: Services): Promise<HttpResponse> {
  const model = await findModel(parameters.model ?? '', undefined, services);
  const entry = await services.readModelEntry(model.manifest.name);
  const { task, host, labels, license, source } = model.manifest;
  return {
    status: 200,
    body: {
      ...renderEntry(entry),
      ...{ task, host, inputs: model.inputs, outputs: model.outputs, labels, license, source },
      preprocessing: findImageModel(model)?.published,
    },
  };
}

function renderEntry({ name, aliases, splits, versions }: ModelEntry): object {
  return { name, aliases, ...(Object.keys(splits ?? {}).length > 0 && { splits }), versions };
}

async function askModel(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const model = await findModel(request.parameters.model ?? '', undefined, services, callerOf(request));
  if (model.manifest.task === textGeneration) return await completeInputs(request, model, services);
  const task = taskOf(model);
  const input = parseInput(task.input, readInput(request, task.rawBody));
  const { infer, headers } = answeringModel(model, request, services);
  const answer = (await runOffLoop(task.name, input, model, infer)) as object;
  const type = 'outputMediaType' in task && task.outputMediaType;
  return { status: 200, headers: { ...headers, ...(type && { 'content-type': type }) }, body: answer };
}

function taskOf({ manifest }: Model) {
  const task = findTask(manifest.task);
  if (task) return task;
  const path = `/v2/models/${manifest.name}/infer`;
  throw new ServiceError(
    'invalid_request',
    `model ${manifest.name} has no task, so it takes tensors only: POST ${path}`,
  );
}

/** `{ inputs, parameters }` where the body is JSON, else `{ inputs: <the body> }`. */
function readInput(request: HttpRequest, rawBody: 'bytes' | 'text'): unknown {
  if (request.body.length === 0) throw new ServiceError('invalid_request', 'the body is empty: send the input in it');
  const type = mediaType(request);
  if (type?.startsWith('multipart/')) {
    throw new ServiceError(
      'unsupported_media_type',
      `the content-type is ${type.slice(0, 100)}; JSON or the input itself is needed`,
    );
  }
  if (isJson(request)) return parseJson(request.body, 'the body');
  return { inputs: rawBody === 'bytes' ? new Uint8Array(request.body) : readText(request.body, 'the body') };
}

/** By content-type; without one, or with curl's default for -d, by the first character. */
function isJson(request: HttpRequest): boolean {
  const type = mediaType(request);
  if (type === 'application/json' || type?.endsWith('+json')) return true;
  return (
    (type === undefined || type === 'application/x-www-form-urlencoded') &&
    /^\s*\{/.test(request.body.toString('latin1', 0, 64))
  );
}

function mediaType({ headers }: HttpRequest): string | undefined {
  return headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
}
