import type { GenerationEvent, GenerationRequest } from './generation/generation.ts';
import type { InferRequest, InferResponse, TensorMetadata } from './inference/protocol.ts';
import type { Job } from './jobs/job.ts';
import type { JobChunk } from './jobs/job-chunk.ts';
import type { ModelEntry } from './registry/model-entry.ts';
import type { HostName, Model, ModelManifest, ModelVersion, Registration } from './registry/model-manifest.ts';

export type { ModelEntry };

/** What an API key may do and who holds it; the secret itself is not kept. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  /** The first characters of the secret, so that a person recognises it. */
  readonly prefix: string;
  readonly createdAt: string;
  /** Absent: as many as the deployment takes. */
  readonly requestsPerMinute?: number;
  readonly revokedAt?: string;
}

/** Time that a model host spent, in nanoseconds, and how many requests shared the run. */
export interface InferTimings {
  readonly queueNs: number;
  readonly computeNs: number;
  readonly batchSize: number;
}

export interface InferResult {
  readonly response: InferResponse;
  readonly timings?: InferTimings;
  /** The host that stood in for the one that should have answered. */
  readonly servedBy?: HostName;
}

/** A file on its way into the artifacts bucket. */
export interface ArtifactFile {
  readonly size: number;
  /** 64 hex digits; kept beside the object, so that a later upload can pass it over. */
  readonly sha256: string;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** What is known of an object of the data bucket without reading it. */
export interface DataObject {
  readonly etag: string;
  readonly size: number;
  readonly versionId?: string;
  readonly contentType?: string;
  /** Of the upload that an answer belongs to. */
  readonly sequencer?: string;
}

/** An object as a listing of its bucket has it. */
export interface ListedObject {
  readonly key: string;
  readonly etag: string;
  readonly size: number;
}

/** Only where nothing is (`If-None-Match: *`), or where the object with the ETag `replaces` still is. */
export interface WriteCondition {
  readonly replaces?: string;
  /** Kept with the object. */
  readonly sequencer?: string;
  /** Default `application/json`. */
  readonly contentType?: string;
}

/** A message that its function has given up. */
export interface DeadLetter {
  readonly functionName: string;
  readonly messageId: string;
  /** For the owner: it may name objects and hold a stack. */
  readonly reason: string;
  readonly body: string;
  readonly givenUpAt: string;
}

/** What callers keep: files, uploads of large ones, batches. */
export type RecordKind = 'FILE' | 'UPLOAD' | 'BATCH';

/** One thing that a caller keeps. Ids begin with the time, so that they are in its order. */
export interface OwnedRecord {
  readonly id: string;
  /** Counts conditional writes. */
  readonly revision: number;
  /** Seconds since the epoch, from which on nobody wants it. */
  readonly expiresAt?: number | undefined;
}

/** Every effect that a handler can have. Use cases take the part they need: `Pick<Services, 'infer'>`. */
export interface Services {
  /** Runs `model` on its host. `deadline` is a point in time, in milliseconds since the epoch. */
  infer(model: ModelVersion, request: InferRequest, deadline: number): Promise<InferResult>;
  /**
   * The text that a decoder generates, as it comes. Its last event is the end, and a generation that does not come so far
   * throws. Whoever stops before, or aborts `signal`, stops the model.
   */
  generate(
    model: ModelVersion,
    request: GenerationRequest,
    deadline: number,
    signal?: AbortSignal,
  ): AsyncGenerator<GenerationEvent>;
  /** Loads the graph on the CPU host and reads its tensors. Throws model_failed where it cannot be loaded. */
  describe(manifest: ModelManifest, deadline: number): Promise<{ inputs: TensorMetadata[]; outputs: TensorMetadata[] }>;
  /** Loads a model on its host, so that the next request finds it warm. */
  loadModel(model: ModelVersion, deadline: number): Promise<void>;
  /** Frees a model that the CPU host has loaded, once its runs have ended; the GPU host frees memory by itself. */
  unloadModel(model: ModelVersion, deadline: number): Promise<void>;
  /** Aliases and versions of all models, by name. */
  listModelEntries(): Promise<ModelEntry[]>;
  /** Throws model_not_found. Trusted for `registryCacheSeconds`. */
  readModelEntry(name: string): Promise<ModelEntry>;
  /** Compare-and-set of a model's aliases and versions. Throws conflict. */
  updateModelEntry(name: string, change: (entry: ModelEntry) => ModelEntry): Promise<ModelEntry>;
  /** A READY version with its assets; cached, since a version never changes. Throws model_not_found, model_not_ready. */
  readModel(name: string, version: string): Promise<Model>;
  /** All versions of a model that ever were uploaded, READY or not. */
  listRegistrations(name: string): Promise<Registration[]>;
  readRegistration(name: string, version: string): Promise<Registration | undefined>;
  /** Writes how far a version has come, unless it is READY already (false). */
  writeRegistration(registration: Registration): Promise<boolean>;
  /** Throws model_failed where there is no such object, or where it has more than `maxBytes`. */
  readArtifact(key: string, maxBytes?: number): Promise<Buffer>;
  /** Size, first bytes (in hex) and digest of an object, read in pieces; one of another size than `size` is not read. */
  inspectArtifact(
    key: string,
    size: number,
    options?: { headOnly: boolean },
  ): Promise<{ size: number; sha256?: string; head: string } | undefined>;
  /** Writes with `If-None-Match: *`; false: an object was there already. */
  writeArtifact(key: string, body: Uint8Array): Promise<boolean>;
  /** Size, time, and the sha256 that its uploader claimed; undefined: there is no such object. */
  findArtifact(key: string): Promise<{ size: number; uploadedAt: string; sha256?: string } | undefined>;
  /** Versions of a model that have files in the artifacts bucket. */
  listUploadedVersions(name: string): Promise<string[]>;
  /** Writes over what is there, large files in parts. `onProgress` gets the bytes of each part that has arrived. */
  uploadArtifact(key: string, file: ArtifactFile, onProgress: (bytes: number) => void): Promise<void>;
  replaceArtifact(key: string, body: Uint8Array): Promise<void>;
  /** A URL that takes one PUT of `key` without credentials, for this many seconds. */
  presignUpload(key: string, expiresInSeconds: number): Promise<string>;
  /** An object of the data bucket; undefined: there is none. */
  readData(key: string): Promise<Buffer | undefined>;
  findData(key: string): Promise<DataObject | undefined>;
  /** Objects of the data bucket under `prefix`, in the order of their keys (UTF-8), page by page. */
  listData(prefix: string): AsyncGenerator<ListedObject>;
  /**
   * An object's bytes as they come, from byte `start` to before byte `end` where these are given; undefined: there is none.
   * With `etag` only that content: throws conflict where it was replaced.
   */
  streamData(
    key: string,
    part?: { readonly start?: number; readonly end?: number; readonly etag?: string },
  ): Promise<AsyncIterable<Buffer> | undefined>;
  /** False: the condition does not hold. */
  writeData(key: string, body: Uint8Array, condition: WriteCondition): Promise<boolean>;
  /** As writeData, for what is too much to be held at once. What fails leaves nothing behind. */
  writeDataStream(key: string, chunks: AsyncIterable<Uint8Array>, condition: WriteCondition): Promise<boolean>;
  /** Removes the object if its ETag is this one. */
  removeData(key: string, etag: string): Promise<void>;
  /**
   * Claims `work` for `owner` until `until` (milliseconds since the epoch); gives the claim's number, which grows with every
   * claim. Undefined: another owner's claim has not ended.
   */
  claim(work: string, owner: string, until: number): Promise<number | undefined>;
  /** Ends a claim before its time, unless a later one has taken over. */
  releaseClaim(work: string, number: number): Promise<void>;
  /** Sends messages, each a JSON object, to the queue of a function. Each comes at least once, in any order. */
  sendWork(functionName: string, messages: readonly object[]): Promise<void>;
  /** A URL by which one object of the data bucket is read, or written, without credentials. */
  presignData(method: 'GET' | 'PUT', key: string, expiresInSeconds: number): Promise<string>;
  /** What `owner`, the id of an API key, keeps under an id; not yet checked. Undefined: nothing. */
  readRecord(kind: RecordKind, owner: string, id: string): Promise<unknown>;
  /** Writes the next revision of a record, or the first one (1); false: another writer was faster. */
  writeRecord(kind: RecordKind, owner: string, record: OwnedRecord): Promise<boolean>;
  /** Up to `limit` records behind the id `after`, in the order of ids or against it. */
  listRecords(
    kind: RecordKind,
    owner: string,
    page: { readonly after?: string | undefined; readonly limit: number; readonly descending: boolean },
  ): Promise<unknown[]>;
  removeRecord(kind: RecordKind, owner: string, id: string): Promise<void>;
  findJob(job: string): Promise<Job | undefined>;
  /**
   * Compare-and-set of a job, or of none as yet, by `change`, which may be called several times; what it gives back as it
   * was, or as undefined, is not written. Gives what is there then.
   */
  updateJob(job: string, change: (job: Job | undefined) => Job | undefined): Promise<Job | undefined>;
  /** Puts a job into the list of all jobs and into that of its owner. */
  enlistJob(job: Job): Promise<void>;
  /** The latest first, of all or of one owner; `before` is the `next` of the page before. */
  listJobs(page: {
    readonly limit: number;
    readonly before?: string | undefined;
    readonly owner?: string | undefined;
  }): Promise<{ jobs: Job[]; next?: string }>;
  /** Chunks of a job that have come to something, in their order. */
  listJobChunks(job: string): Promise<JobChunk[]>;
  findJobChunk(job: string, chunk: number): Promise<JobChunk | undefined>;
  /** As updateJob. */
  updateJobChunk(job: string, chunk: number, change: (chunk: JobChunk) => JobChunk): Promise<void>;
  /** With `replace` also where a reason of the message is kept already. */
  keepDeadLetter(letter: DeadLetter, options: { readonly replace: boolean }): Promise<void>;
  /** For each function that reads a queue: how many dead letters there are, and the reasons that are known. */
  listDeadLetters(): Promise<{ functionName: string; count: number; letters: DeadLetter[] }[]>;
  /** Sends a function's dead letters back to its queue, and gives their number. */
  redriveDeadLetters(functionName: string): Promise<number>;
  /** The key whose secret this is; undefined: none, or revoked. Trusted for `keyCacheSeconds`. */
  findApiKey(secret: string): Promise<ApiKey | undefined>;
  createApiKey(name: string, requestsPerMinute?: number): Promise<{ key: ApiKey; secret: string }>;
  listApiKeys(): Promise<ApiKey[]>;
  /**
   * Counts a request of a key in the minute that began at `minute` (milliseconds since the epoch), over all instances: how
   * many there have been; undefined: `limit` have been already, and this one does not count.
   */
  countRequest(keyId: string, minute: number, limit: number): Promise<number | undefined>;
  /** False: no such key. */
  revokeApiKey(id: string): Promise<boolean>;
}
