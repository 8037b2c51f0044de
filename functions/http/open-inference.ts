import { ServiceError } from '../errors.ts';
import { checkInferRequest } from '../inference/check-infer-request.ts';
import type { InferRequest } from '../inference/protocol.ts';
import { renderInferResponse } from '../inference/render-infer-response.ts';
import type { Model } from '../registry/model-manifest.ts';
import type { Services } from '../services.ts';
import { readLabelNames } from '../tasks/labels.ts';
import { version } from '../version.ts';
import { answeringModel } from './answering-model.ts';
import { statistics } from './count-inferences.ts';
import { callerOf, findModel } from './find-model.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { renderModelConfiguration } from './model-configuration.ts';
import { binaryContentType, readInferRequest } from './read-infer-request.ts';

/** Room for 2 MB of floats written as JSON, or for what a model host takes in binary. */
const maxBodyBytes = 16 * 2 ** 20;

const extensions = [
  'binary_tensor_data',
  'classification',
  'model_configuration',
  'model_repository',
  'model_repository(unload_dependents)',
  'statistics',
  'trace',
  'logging',
];

/**
 * The Open Inference Protocol v2 with Triton's extensions.
 * Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
export const openInferenceRoutes: readonly Route[] = [
  get('/v2', 'The server and its extensions', readServer),
  { ...get('/v2/health/live', 'Whether the server is live', async () => ok({ live: true })), public: true },
  { ...get('/v2/health/ready', 'Whether the server is ready', async () => ok({ ready: true })), public: true },
  get('/v2/models/stats', 'Counts and durations of all models', readAllStatistics),
  ...ofModel('', 'Tensors that a model takes and gives', readMetadata),
  ...ofModel('/ready', 'Whether a model is ready', readReadiness),
  ...ofModel('/config', 'The configuration of a model', async (request, services) =>
    ok(renderModelConfiguration(await findRequestedModel(request, services))),
  ),
  ...ofModel('/stats', 'Counts and durations of a model', readStatistics),
  ...ofModel('/infer', 'Runs a model on tensors', infer).map((route) => ({
    ...route,
    method: 'POST' as const,
    maxBodyBytes,
  })),
];

function get(path: string, summary: string, handle: Route['handle']): Route {
  return { method: 'GET', path, summary, errorFormat: 'open-inference', handle };
}

/** The protocol's two paths of everything that a model has: with and without a version. */
function ofModel(suffix: string, summary: string, handle: Route['handle']): Route[] {
  return ['', '/versions/{version}'].map((version) => get(`/v2/models/{model}${version}${suffix}`, summary, handle));
}

function ok(body: object): HttpResponse {
  return { status: 200, body };
}

function findRequestedModel(request: HttpRequest, services: Services): Promise<Model> {
  const { model = '', version: named } = request.parameters;
  return findModel(model, named, services, callerOf(request));
}

/** The name is Triton's, since clients of it ask whether they speak to one: docs/decisions. */
async function readServer(): Promise<HttpResponse> {
  return { status: 200, body: { name: 'triton', version, extensions } };
}

async function readMetadata(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { manifest, inputs, outputs } = await findRequestedModel(request, services);
  const { versions } = await services.readModelEntry(manifest.name);
  return { status: 200, body: { name: manifest.name, versions, platform: 'onnxruntime_onnx', inputs, outputs } };
}

/**
 * 400 where the version is there but not ready, as Triton answers; 404 where there is none, as KServe does. What was
 * unloaded is not ready, so that those who look at it go elsewhere.
 */
async function readReadiness(request: HttpRequest, services: Services): Promise<HttpResponse> {
  try {
    const { name } = (await findRequestedModel(request, services)).manifest;
    if (!(await services.readModelEntry(name)).unloaded) return { status: 200, body: { name, ready: true } };
    return { status: 400, body: { error: `model ${name} was unloaded: load it, or ask it, which loads it too` } };
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'model_not_ready') throw error;
    return { status: 400, body: { error: error.message } };
  }
}

async function readStatistics(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { manifest } = await findRequestedModel(request, services);
  const { versions } = await services.readModelEntry(manifest.name);
  const named = request.parameters.version !== undefined || request.parameters.model?.includes('@');
  const reported = named ? [manifest.version] : versions;
  return { status: 200, body: { model_stats: reported.map((each) => statistics.render(manifest.name, each)) } };
}

async function readAllStatistics(_request: HttpRequest, services: Services): Promise<HttpResponse> {
  const entries = await services.listModelEntries();
  const stats = entries.flatMap(({ name, versions }) => versions.map((each) => statistics.render(name, each)));
  return { status: 200, body: { model_stats: stats } };
}

async function infer(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const model = await findRequestedModel(request, services);
  const inferRequest = readInferRequest(request, model.inputs);
  checkInferRequest(inferRequest, model);
  const { infer: run, headers: shared } = answeringModel(model, request, services);
  const response = await run(toHostRequest(inferRequest));
  const servedBy = shared['x-lambent-served-by'];
  const parameters = servedBy ? { ...response.parameters, served_by: servedBy } : (response.parameters ?? {});
  // Triton calls a model after its archive; callers know it by its own name.
  const named = { ...response, model_name: model.manifest.name, model_version: model.manifest.version, parameters };
  const { headerLength, body } = renderInferResponse(inferRequest, named, readLabelNames(model));
  if (headerLength === undefined)
    return { status: 200, headers: { ...shared, 'content-type': 'application/json' }, body };
  const headers = {
    ...shared,
    'content-type': binaryContentType(request, headerLength),
    'inference-header-content-length': String(headerLength),
  };
  return { status: 200, headers, body };
}

/** Hosts give tensors in binary; classes and JSON are made of them here. */
function toHostRequest({ outputs, ...request }: InferRequest): InferRequest {
  return outputs ? { ...request, outputs: outputs.map(({ name }) => ({ name })) } : request;
}
