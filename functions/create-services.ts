import { generateWithStandIn, inferWithStandIn } from './aws/infer-with-stand-in.ts';
import { type Config, keyCacheSeconds, registryCacheSeconds } from './config.ts';
import { ServiceError } from './errors.ts';
import { zeroTensors } from './inference/zero-tensors.ts';
import type { Model, ModelVersion, Registration } from './registry/model-manifest.ts';
import { readAssets } from './registry/read-assets.ts';
import type { Services } from './services.ts';
import { modelNamePattern, modelVersionPattern } from './storage/object-keys.ts';
import { textGeneration } from './tasks/task-names.ts';
import { timedCache } from './timed-cache.ts';

/** The services on AWS. Each client is loaded when it is first used: a cold start pays only for what the request needs. */
export function createServices(config: Config): Services {
  const table = once(async () => (await import('./aws/table.ts')).createTable(config.TABLE_NAME));
  const registry = once(async () => (await import('./aws/registry.ts')).createRegistry(await table()));
  const artifacts = once(async () => (await import('./aws/artifacts.ts')).createArtifacts(config));
  const uploads = once(async () => (await import('./aws/uploads.ts')).createUploads(config));
  const data = once(async () => (await import('./aws/data.ts')).createData(config));
  const dataStreams = once(async () => (await import('./aws/data-streams.ts')).createDataStreams(config));
  const workQueues = once(async () => (await import('./aws/work-queues.ts')).createWorkQueues(config.WORK_QUEUES));
  const claims = once(async () => (await import('./aws/claims.ts')).createClaims(await table()));
  const records = once(async () => (await import('./aws/records.ts')).createRecords(await table()));
  const jobs = once(async () => (await import('./aws/jobs.ts')).createJobs(await table()));
  const deadLetters = once(async () => {
    const { createDeadLetters } = await import('./aws/dead-letters.ts');
    return createDeadLetters(await table(), config.DEAD_LETTER_QUEUES);
  });
  const apiKeys = once(async () => {
    const { createApiKeys } = await import('./aws/api-keys.ts');
    return createApiKeys(
      await table(),
      once(() => readPepper(config)),
    );
  });
  const lambda = once(async () => (await import('./aws/infer-on-lambda.ts')).createLambdaHost(config));
  const sagemaker = once(async () => (await import('./aws/infer-on-sagemaker.ts')).createSageMakerHost(config));

  const lambdaGenerator = once(async () => (await import('./aws/generate-on-lambda.ts')).createLambdaGenerator(config));
  const llmGenerator = once(async () => (await import('./aws/generate-on-sagemaker.ts')).createLlmGenerator(config));

  const readArtifact = async (key: string, maxBytes?: number) => (await artifacts()).readArtifact(key, maxBytes);
  const entries = timedCache(async (name) => (await registry()).readEntry(name), {
    seconds: registryCacheSeconds,
    maxEntries: 1000,
  });
  /** What is not there is asked for again: it may have been registered since. */
  const readEntry = async (name: string) => {
    const entry = await entries(name);
    if (!entry) entries.forget(name);
    return entry;
  };
  const hostOf = async ({ manifest: { name, version, host } }: ModelVersion) =>
    (await readEntry(name))?.hosts?.[version] ?? host;
  const findApiKey = timedCache(async (secret) => (await apiKeys()).find(secret), {
    seconds: keyCacheSeconds,
    maxEntries: 1000,
  });
  const readModel = timedCache(
    async (nameAndVersion): Promise<Model> => {
      const [name, version] = nameAndVersion.split('\n') as [string, string];
      const registration = await (await registry()).readRegistration(name, version);
      if (!registration)
        throw new ServiceError('model_not_found', `there is no version '${version}' of model '${name}'`);
      if (!registration.model) throw notReady(registration);
      return { ...registration.model, assets: await readAssets(registration.model.manifest, readArtifact) };
    },
    { seconds: Number.POSITIVE_INFINITY, maxEntries: 100 },
  );

  return {
    infer: async (model, request, deadline) => {
      if (model.manifest.task === textGeneration && (await hostOf(model)) === 'sagemaker') {
        const message = `model ${model.manifest.name} generates texts on the LLM host, which takes no tensors: /v1/chat/completions`;
        throw new ServiceError('invalid_request', message);
      }
      if ((await hostOf(model)) === 'lambda') return await (await lambda()).infer(model, request, deadline);
      return await inferWithStandIn(await sagemaker(), await lambda(), { model, request, deadline });
    },
    async *generate(model, request, deadline, signal) {
      const cpu = await lambdaGenerator();
      if ((await hostOf(model)) === 'lambda') return yield* cpu(model, request, { deadline, signal });
      yield* generateWithStandIn(await llmGenerator(), cpu, model, request, { deadline, signal });
    },
    describe: async (manifest, deadline) => (await lambda()).describe(manifest, deadline),
    listModelEntries: async () => (await registry()).listEntries(),
    readModelEntry: async (name) => {
      // A name that none can have is not looked up: the table refuses keys beyond 1,024 bytes.
      const entry = modelNamePattern.test(name) ? await readEntry(name) : undefined;
      if (!entry) throw new ServiceError('model_not_found', `no model is named '${name.slice(0, 100)}'`);
      return entry;
    },
    updateModelEntry: async (name, change) => {
      const entry = await (await registry()).updateEntry(name, change);
      entries.forget(name);
      return entry;
    },
    loadModel: async (model, deadline) => {
      if ((await hostOf(model)) === 'lambda') return void (await (await lambda()).describe(model.manifest, deadline));
      await (await sagemaker())
        .infer(model, { inputs: zeroTensors(model.inputs) }, deadline)
        .catch((error: unknown) => {
          // Zeros need not be what a graph takes; it is loaded now.
          if (!(error instanceof ServiceError && error.code === 'model_rejected_input')) throw error;
        });
    },
    unloadModel: async ({ manifest }, deadline) => (await lambda()).unload(manifest, deadline),
    readModel: async (name, version) => {
      if (modelNamePattern.test(name) && modelVersionPattern.test(version))
        return await readModel(`${name}\n${version}`);
      throw new ServiceError(
        'model_not_found',
        `no model is '${name.slice(0, 100)}' in version '${version.slice(0, 40)}'`,
      );
    },
    listRegistrations: async (name) => (await registry()).listRegistrations(name),
    readRegistration: async (name, version) => (await registry()).readRegistration(name, version),
    writeRegistration: async (registration) => (await registry()).writeRegistration(registration),
    readArtifact,
    inspectArtifact: async (key, size, options) => (await artifacts()).inspectArtifact(key, size, options),
    writeArtifact: async (key, body) => (await artifacts()).writeArtifact(key, body),
    findArtifact: async (key) => (await uploads()).findArtifact(key),
    listUploadedVersions: async (name) => (await uploads()).listUploadedVersions(name),
    uploadArtifact: async (key, file, onProgress) => (await uploads()).uploadArtifact(key, file, onProgress),
    replaceArtifact: async (key, body) => (await uploads()).replaceArtifact(key, body),
    presignUpload: async (key, expiresInSeconds) => (await uploads()).presignUpload(key, expiresInSeconds),
    readData: async (key) => (await data()).read(key),
    findData: async (key) => (await data()).find(key),
    async *listData(prefix) {
      yield* (await data()).list(prefix);
    },
    streamData: async (key, part) => (await data()).stream(key, part),
    writeData: async (key, body, condition) => (await data()).write(key, body, condition),
    writeDataStream: async (key, chunks, condition) => (await dataStreams()).write(key, chunks, condition),
    removeData: async (key, etag) => (await data()).remove(key, etag),
    claim: async (work, owner, until) => (await claims()).claim(work, owner, until),
    releaseClaim: async (work, number) => (await claims()).release(work, number),
    sendWork: async (functionName, messages) => (await workQueues()).send(functionName, messages),
    presignData: async (method, key, seconds) =>
      (await import('./aws/presign-data.ts')).presignData(config, method, key, seconds),
    readRecord: async (kind, owner, id) => (await records()).readRecord(kind, owner, id),
    writeRecord: async (kind, owner, record) => (await records()).writeRecord(kind, owner, record),
    listRecords: async (kind, owner, page) => (await records()).listRecords(kind, owner, page),
    removeRecord: async (kind, owner, id) => (await records()).removeRecord(kind, owner, id),
    findJob: async (job) => (await jobs()).find(job),
    updateJob: async (job, change) => (await jobs()).update(job, change),
    enlistJob: async (job) => (await jobs()).enlist(job),
    listJobs: async (page) => (await jobs()).list(page),
    listJobChunks: async (job) => (await jobs()).listChunks(job),
    findJobChunk: async (job, chunk) => (await jobs()).findChunk(job, chunk),
    updateJobChunk: async (job, chunk, change) => (await jobs()).updateChunk(job, chunk, change),
    keepDeadLetter: async (letter, options) => (await deadLetters()).keep(letter, options),
    listDeadLetters: async () => (await deadLetters()).list(),
    redriveDeadLetters: async (functionName) => (await deadLetters()).redrive(functionName),
    findApiKey,
    createApiKey: async (name, requestsPerMinute) => (await apiKeys()).create(name, requestsPerMinute),
    countRequest: async (keyId, minute, limit) => (await apiKeys()).count(keyId, minute, limit),
    listApiKeys: async () => (await apiKeys()).list(),
    revokeApiKey: async (id) => (await apiKeys()).revoke(id),
  };
}

async function readPepper(config: Config): Promise<string> {
  const id = config.API_KEY_PEPPER_SECRET_ID;
  if (!id) throw new Error('API_KEY_PEPPER_SECRET_ID is not set');
  return await (await import('./aws/read-secret.ts')).readSecret(id);
}

function notReady({ status, reason, name, version }: Registration): ServiceError {
  if (status === 'FAILED') {
    return new ServiceError(
      'model_failed',
      `version ${version} of ${name} was refused: ${reason ?? 'no reason was kept'}`,
    );
  }
  return new ServiceError('model_not_ready', `version ${version} of ${name} is still being registered`, {
    retryAfterSeconds: 2,
  });
}

/** Calls `create` once; a failed call is tried again next time. */
function once<Value>(create: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined;
  return () => {
    value ??= create().catch((error: unknown) => {
      value = undefined;
      throw error;
    });
    return value;
  };
}
