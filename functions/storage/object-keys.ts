import { createHash } from 'node:crypto';

/** Keys of objects in the two buckets and of items in the table are built and read only here. */

/** Names of models, data sets and jobs, and of versions: also a folder, a URL segment and part of Triton's archive name. */
export const modelNamePattern = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/;
export const modelVersionPattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,30}[A-Za-z0-9])?$/;

/** `models/<model>/<version>/<path>` in the artifacts bucket. */
export function modelFileKey(model: string, version: string, path: string): string {
  return `models/${model}/${version}/${path}`;
}

/** The folder of all versions of a model. */
export function modelFolderKey(model: string): string {
  return `models/${model}/`;
}

/** The reverse of modelFileKey; undefined where the key is none. */
export function parseModelFileKey(key: string): { model: string; version: string; path: string } | undefined {
  const [root, model, version, ...path] = key.split('/');
  if (root !== 'models' || !model || !version || path.length === 0) return undefined;
  return { model, version, path: path.join('/') };
}

/** The name of a Triton archive under `serving/`: the TargetModel of InvokeEndpoint. */
export function targetModel(model: string, version: string): string {
  return `${model}-${version}.tar.gz`;
}

/**
 * The inference component of the LLM host that serves a version: letters, digits and hyphens, 63 at most, with a digest
 * since two names can become one without their dots.
 */
export function inferenceComponentName(model: string, version: string): string {
  const readable = `${model}-${version}`
    .replace(/[^A-Za-z0-9]+/g, '-')
    .slice(0, 54)
    .replace(/-$/, '');
  return `${readable}-${sha256(`${model}\n${version}`).slice(0, 8)}`;
}

/** `serving/<model>-<version>.tar.gz` in the artifacts bucket. */
export function servingKey(model: string, version: string): string {
  return `serving/${targetModel(model, version)}`;
}

/** `inbox/<model>[@<alias>]/<path>` in the data bucket; undefined where the key is a folder, or none of these. */
export function parseInboxKey(key: string): { reference: string; path: string } | undefined {
  const match = /^inbox\/([^/]+)\/(.*[^/])$/s.exec(key);
  return match ? { reference: match[1]!, path: match[2]! } : undefined;
}

/** The answer of one version of an object of the inbox. */
export function inboxAnswerKey(key: string, versionId: string): string {
  return `answers/${sha256(`${versionId}\n${key}`)}.json`;
}

/** S3's limit of a key, in bytes of UTF-8. */
const maxKeyBytes = 1024;

/**
 * `outbox/<model>[@<alias>]/<path>.json` for a key of the inbox, `.error.json` where it failed. Where that would be too long
 * for a key, the end of the path gives way to a digest of the whole.
 */
export function outboxKey(inboxKey: string, failed: boolean): string {
  const key = inboxKey.replace(/^inbox/, 'outbox');
  const ending = failed ? '.error.json' : '.json';
  if (Buffer.byteLength(key + ending) <= maxKeyBytes) return key + ending;
  const tail = `~${sha256(inboxKey).slice(0, 16)}${ending}`;
  const start = Buffer.from(key).subarray(0, maxKeyBytes - tail.length);
  // A character that was cut in the middle goes whole.
  return new TextDecoder().decode(start).replace(/\ufffd$/, '') + tail;
}

/** What was uploaded for a data set: `raw/<dataset>/…`. `dataset.json` arrives last. */
export function rawKey(dataset: string, path: string): string {
  return `raw/${dataset}/${path}`;
}

/** The reverse of rawKey; undefined where the key is none. */
export function parseRawKey(key: string): { dataset: string; path: string } | undefined {
  const match = /^raw\/([^/]+)\/(.+)$/s.exec(key);
  return match ? { dataset: match[1]!, path: match[2]! } : undefined;
}

/** A prepared data set: `manifest.json`, which is written last, `profile.html`, and the shards of each run. */
export function preparedKey(dataset: string, path: string): string {
  return `prepared/${dataset}/${path}`;
}

/** Where the JSONL of a job may lie: what its worker may read, besides prepared data sets. */
export const inputPrefixes = ['raw/', 'jobs/', 'files/'] as const;

/** A job as it was asked for. */
export function jobKey(job: string): string {
  return `jobs/${job}.json`;
}

/** The reverse of jobKey; undefined where the key is none. */
export function parseJobKey(key: string): string | undefined {
  return /^jobs\/([^/]+)\.json$/.exec(key)?.[1];
}

/** What a job has answered: `part-<n>.jsonl`, `errors.jsonl`, and last `manifest.json`. */
export function resultKey(job: string, path: string): string {
  return `results/${job}/${path}`;
}

/** The job whose results' manifest this is; undefined: it is none. */
export function parseResultsManifestKey(key: string): string | undefined {
  return /^results\/([^/]+)\/manifest\.json$/.exec(key)?.[1];
}

/** What chunk `chunk` of a job has answered. */
export function partKey(job: string, chunk: number): string {
  return resultKey(job, `part-${fiveDigits(chunk)}.jsonl`);
}

/** `report.json` and `report.html` of a job. */
export function reportKey(job: string, path: string): string {
  return `reports/${job}/${path}`;
}

/** A file of the holder of an API key; one that expires lies where objects are removed after 30 days. */
export function fileKey(owner: string, file: string, expires: boolean): string {
  return `files/${expires ? 'expiring/' : ''}${owner}/${file}`;
}

/** Whose file this is; undefined: it is none. */
export function parseFileKey(key: string): string | undefined {
  return /^files\/(?:expiring\/)?([^/]+)\/[^/]+$/.exec(key)?.[1];
}

/** What a job has found out about a version of a model. */
export function evaluationKey(model: string, version: string, job: string): string {
  return `${evaluationPrefix(model, version)}${job}.json`;
}

export function evaluationPrefix(model: string, version: string): string {
  return `evaluations/${model}/${version}/`;
}

/** What workers of one piece of work leave for each other; removed after 30 days. */
export function workKey(kind: 'datasets' | 'jobs' | 'uploads', name: string, path: string): string {
  return `work/${kind}/${name}/${path}`;
}

/** The plan of a job, made from the version of its request with this ETag. */
export function planKey(job: string, etag: string): string {
  return workKey('jobs', job, `plan-${sha256(etag).slice(0, 16)}.json`);
}

/** The records of a chunk that failed when this claim was held. */
export function chunkErrorsKey(
  job: string,
  chunk: number,
  { attempt, claim }: { attempt: number; claim: number },
): string {
  return workKey('jobs', job, `${attempt}/errors-${fiveDigits(chunk)}-${claim}.jsonl`);
}

/** Outcomes of a chunk of which one invocation has done a part; `from` is the first record. */
export function chunkPiecesPrefix(job: string, chunk: number, attempt: number): string {
  return workKey('jobs', job, `${attempt}/chunk-${fiveDigits(chunk)}/`);
}

/** In the order of their names. */
export function chunkPieceKey(prefix: string, from: number): string {
  return `${prefix}${String(from).padStart(9, '0')}.jsonl`;
}

function fiveDigits(number: number): string {
  return String(number).padStart(5, '0');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Primary keys of the table. Every write is a conditional write of one item. */
export const itemKeys = {
  /** An API key, found by the HMAC digest of its secret. */
  apiKey: (digest: string) => ({ pk: 'KEY', sk: digest }),
  apiKeys: { pk: 'KEY' },
  /** Requests of a key in one minute. */
  requests: (keyId: string, minute: number) => ({ pk: `REQUESTS#${keyId}`, sk: String(minute) }),
  /** A model: which version each alias points at. */
  model: (name: string) => ({ pk: 'MODEL', sk: name }),
  models: { pk: 'MODEL' },
  /** Why a message was given up. */
  deadLetter: (functionName: string, messageId: string) => ({ pk: `DEAD_LETTER#${functionName}`, sk: messageId }),
  deadLetters: (functionName: string) => ({ pk: `DEAD_LETTER#${functionName}` }),
  /** Who works on what at this moment. */
  claim: (work: string) => ({ pk: 'CLAIM', sk: work }),
  /** What the holder of an API key keeps: files, uploads, batches. */
  owned: (kind: string, owner: string, id: string) => ({ pk: `${kind}#${owner}`, sk: id }),
  allOwned: (kind: string, owner: string) => ({ pk: `${kind}#${owner}` }),
  job: (job: string) => ({ pk: `JOB#${job}`, sk: 'JOB' }),
  jobChunk: (job: string, chunk: number) => ({ pk: `JOB#${job}#CHUNKS`, sk: fiveDigits(chunk) }),
  jobChunks: (job: string) => ({ pk: `JOB#${job}#CHUNKS` }),
  /** Jobs in the order in which they were made: those of one API key, or all. */
  jobInList: (createdAt: string, job: string, owner?: string) => ({
    ...itemKeys.jobs(owner),
    sk: `${createdAt} ${job}`,
  }),
  jobs: (owner?: string) => ({ pk: owner === undefined ? 'JOBS' : `JOBS#${owner}` }),
  modelVersion: (name: string, version: string) => ({ pk: `MODEL#${name}`, sk: `VERSION#${version}` }),
  modelVersions: (name: string) => ({ pk: `MODEL#${name}` }),
} as const;
