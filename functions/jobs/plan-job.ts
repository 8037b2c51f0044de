import { type PreparedManifest, preparedManifestSchema } from '../datasets/prepared-manifest.ts';
import { ServiceError } from '../errors.ts';
import type { Model } from '../registry/model-manifest.ts';
import type { DataObject, Services } from '../services.ts';
import { preparedKey } from '../storage/object-keys.ts';
import { findTask } from '../tasks/index.ts';
import { readLabelNames } from '../tasks/labels.ts';
import { checkRequests } from './check-requests.ts';
import type { JobRequest } from './job.ts';
import type { ChunkSource, WholePlan } from './job-chunks.ts';
import { readRecords } from './read-records.ts';
import { scanLines } from './scan-lines.ts';

export interface Planning extends Pick<Services, 'readData' | 'findData' | 'streamData'> {
  /** The READY version that `<model>` or `<model>@<alias>`, or a version, means. Throws model_not_found, model_not_ready. */
  findModel(reference: string, version?: string): Promise<Model>;
  /** Throws invalid_request for a path that jobs cannot ask. */
  checkEndpoint(endpoint: string): void;
}

const defaultSplit = 'test';
const maxInputBytes = 20 * 2 ** 30;
/** Labels that are answered where the model's are not known. */
const manyLabels = 10_000;

/** What a request asks for, as far as that is known without reading what it is to be asked of. */
export interface CheckedRequest {
  readonly model?: Model;
  readonly manifest?: PreparedManifest;
  readonly object?: DataObject;
}

/** Throws invalid_request, model_not_found, model_not_ready, not_found. */
export async function checkRequest(request: JobRequest, effects: Planning): Promise<CheckedRequest> {
  const model = await findModel(request, effects);
  if (request.dataset !== undefined) {
    const manifest = await readManifest(request.dataset, effects);
    checkSplit(request.split ?? defaultSplit, manifest);
    return { model: model!, manifest };
  }
  const object = await effects.findData(request.input!);
  if (!object) throw new ServiceError('not_found', `the data bucket has no '${request.input}'`);
  if (object.size > maxInputBytes) {
    const message = `'${request.input}' has ${object.size} bytes; ${maxInputBytes} are allowed: split it`;
    throw new ServiceError('payload_too_large', message);
  }
  return { ...(model && { model }), object };
}

async function findModel(request: JobRequest, effects: Planning): Promise<Model | undefined> {
  if (request.endpoint !== undefined) return void effects.checkEndpoint(request.endpoint);
  const asked = request.model!;
  const model =
    typeof asked === 'string' ? await effects.findModel(asked) : await effects.findModel(asked.model, asked.version);
  if (findTask(model.manifest.task)) return model;
  const { name, task } = model.manifest;
  const what = task ? 'generates texts: name an endpoint instead' : 'has no task, so it answers tensors only';
  throw new ServiceError('invalid_request', `model ${name} ${what}`);
}

async function readManifest(dataset: string, { readData }: Planning): Promise<PreparedManifest> {
  const body = await readData(preparedKey(dataset, 'manifest.json'));
  if (body) return preparedManifestSchema.parse(JSON.parse(body.toString('utf8')));
  throw new ServiceError('not_found', `no data set '${dataset}' has been prepared`);
}

function checkSplit(split: string, { dataset, splits }: PreparedManifest): void {
  if (split === 'all' || Object.hasOwn(splits, split)) return;
  const known = [...Object.keys(splits), 'all'].join(', ');
  throw new ServiceError('invalid_request', `data set ${dataset} has no split '${split}'; it has: ${known}`);
}

/**
 * Reads what the job is to be asked of, or so many bytes of it, and divides it into chunks. Throws as checkRequest does.
 */
export async function planJob(
  request: JobRequest,
  effects: Planning,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<WholePlan> {
  const checked = await checkRequest(request, effects);
  const sources = await findSources(request, checked, effects, maxBytes);
  const records = sources.reduce((sum, source) => sum + source.records, 0);
  if (records === 0) throw new ServiceError('invalid_request', 'there are no records to be answered');
  if (records > (request.maxRecords ?? records)) {
    throw new ServiceError('invalid_request', `there are ${records} records; maxRecords is ${request.maxRecords}`);
  }
  const { model, manifest } = checked;
  const plan = {
    ...(model && {
      model: model.manifest.name,
      modelVersion: model.manifest.version,
      task: findTask(model.manifest.task)!.name,
    }),
    ...(manifest && { dataset: { name: manifest.dataset, run: manifest.run, split: request.split ?? defaultSplit } }),
    ...(request.input !== undefined && { input: request.input }),
    ...(request.endpoint !== undefined && { endpoint: request.endpoint }),
    parameters: request.parameters ?? {},
    ...{ records, chunks: sources.length, sources },
  };
  const labelled = await isLabelled(sources, plan, effects);
  return { ...plan, labelled, parameters: { ...(labelled && model && allLabels(model)), ...plan.parameters } };
}

async function findSources(
  { split = defaultSplit, input: key, endpoint }: JobRequest,
  { manifest, object }: CheckedRequest,
  { streamData }: Planning,
  maxBytes: number,
): Promise<ChunkSource[]> {
  if (manifest) {
    const splits = split === 'all' ? Object.values(manifest.splits) : [manifest.splits[split]!];
    const shards = splits.flatMap((one) => one.shards).filter(({ records }) => records > 0);
    return shards.map(({ key, records }) => ({ key, records }));
  }
  const { etag } = object!;
  const size = Math.min(object!.size, maxBytes);
  const body = size > 0 ? await streamData(key!, { etag, end: size }) : undefined;
  // Of a part the last line may be cut.
  const check = endpoint === undefined || size < object!.size ? undefined : checkRequests(endpoint);
  const sources = body ? await scanLines(body, { key: key!, etag, size }, check?.add) : [];
  check?.end();
  return sources;
}

/** By the first record: a data set has labels throughout, or not at all. */
async function isLabelled(
  sources: readonly ChunkSource[],
  plan: Parameters<typeof readRecords>[1],
  effects: Planning,
): Promise<boolean> {
  for await (const { label } of readRecords(sources[0]!, plan, effects)) return label !== undefined;
  return false;
}

/** An evaluation wants the scores of all classes, not of the best five alone. */
function allLabels(model: Model): { top_k: number } | undefined {
  const { task } = model.manifest;
  if (!task?.endsWith('-classification') || task === 'token-classification' || task.startsWith('zero-shot')) return;
  return { top_k: readLabelNames(model)?.length ?? manyLabels };
}
