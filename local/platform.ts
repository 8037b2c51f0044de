import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SQSBatchResponse } from 'aws-lambda';
import { pushPackage } from '../commands/push-package.ts';
import { readConfig } from '../functions/config.ts';
import { createServices } from '../functions/create-services.ts';
import { functions } from '../functions/manifest.ts';
import type { Services } from '../functions/services.ts';
import { startDynamodb } from './dynamodb.ts';
import { applyEnvironment, localEnvironment, resources } from './environment.ts';
import { installLambdaRuntime, type StreamingHandler, startGateway } from './gateway/gateway.ts';
import { invokeFunction } from './invoke-function.ts';
import { keepLog } from './keep-log.ts';
import { deployedFunctions, startLambda } from './lambda/start-lambda.ts';
import type { Options } from './options.ts';
import { startS3 } from './s3/s3.ts';
import { startSagemaker } from './sagemaker/start-sagemaker.ts';
import { startSecretsManager } from './secrets-manager.ts';
import { startSqs } from './sqs/sqs.ts';
import type { Supervisor } from './supervisor.ts';
import { queueDefinitions, queued, queueVariables, startTriggers } from './triggers.ts';

/** Packages that every platform on a laptop starts with. */
const samples = ['models/digits', 'models/sentiment'];

export interface Platform {
  readonly url: string;
  /** The development key. */
  readonly secret: string;
  /** Requests in flight get `graceMilliseconds` to end. */
  close(graceMilliseconds: number): Promise<void>;
}

/** Starts the stand-ins, then the `api` function behind its gateway, then registers the sample models. */
export async function startPlatform({ state, port, open, disorder }: Options): Promise<Platform> {
  const hosts = await startHosts(state, disorder);
  try {
    installLambdaRuntime();
    process.env.REQUIRE_API_KEY = String(!open);
    if (open) process.env.CORS_ORIGIN = 'null';
    const { handler } = (await import('../functions/handlers/api.ts')) as unknown as { handler: StreamingHandler };
    const { timeoutSeconds } = functions.api;
    const gateway = await startGateway({ port, handler, functionName: 'api', timeoutSeconds, loopbackOnly: open });
    await keepLog(join(state, 'log.jsonl'));
    const environment = { ...hosts.environment, LAMBENT_URL: gateway.url };
    await writeFile(join(state, 'environment.json'), JSON.stringify(environment, null, 2), { mode: 0o600 });
    const services = createServices(readConfig(process.env));
    for (const folder of samples) await pushSample(folder, services);
    const close = async (graceMilliseconds: number) => {
      await gateway.close(graceMilliseconds);
      await hosts.close();
    };
    return { url: gateway.url, secret: await developmentKey(state, services), close };
  } catch (error) {
    await hosts.close();
    throw error;
  }
}

/** The stand-ins, and this process's environment set so that the SDK finds them. */
async function startHosts(state: string, disorder?: string) {
  const random = disorder === undefined ? {} : { disorder };
  const dynamodb = await startDynamodb({ path: join(state, 'dynamodb'), tableName: resources.TABLE_NAME });
  const buckets = [resources.ARTIFACTS_BUCKET, resources.DATA_BUCKET];
  const [s3, sqs, secrets] = await Promise.all([
    startS3({ directory: join(state, 's3'), buckets }),
    startSqs({ directory: join(state, 'sqs'), queues: queueDefinitions, ...random }),
    startSecretsManager({ file: join(state, 'secrets.json'), secretIds: [resources.API_KEY_PEPPER_SECRET_ID] }),
  ]);
  const storage = { S3: s3.url, SQS: sqs.url, DYNAMODB: dynamodb.url, SECRETS_MANAGER: secrets.url };
  const environment = localEnvironment(storage);
  const [lambda, sagemaker] = await Promise.all([
    startLambda({ functions: deployedFunctions('infer'), environment }),
    startSagemaker({
      endpointName: resources.SAGEMAKER_ENDPOINT_NAME,
      llmEndpointName: resources.LLM_ENDPOINT_NAME,
      environment,
      lazy: true,
    }),
  ]);
  const all = {
    ...localEnvironment({ ...storage, LAMBDA: lambda.url, SAGEMAKER_RUNTIME: sagemaker.url }),
    ...queueVariables(sqs),
  };
  applyEnvironment(all);
  const queued = await startQueued(all);
  const triggers = startTriggers({
    sqs,
    ...random,
    invoke: async (functionName, event) =>
      (await invokeFunction(queued.url(functionName), functionName, event)) as unknown as SQSBatchResponse,
  });
  s3.onEvent((record) => {
    if (!record.eventName.startsWith('ObjectCreated:')) return;
    const bucket = record.s3.bucket.name === resources.ARTIFACTS_BUCKET ? 'artifacts' : 'data';
    triggers.onObjectEvent(bucket, decodeURIComponent(record.s3.object.key.replaceAll('+', ' ')), record);
  });
  const close = async () => {
    await Promise.all([triggers.close(), queued.close(), lambda.close(), sagemaker.close()]);
    await Promise.all([s3.close(), sqs.close(), secrets.close(), dynamodb.close()]);
  };
  return { environment: all, close };
}

/** Functions that read queues, each in a process of its own: a package that harms registration harms nothing else. */
async function startQueued(environment: Record<string, string>) {
  const started = await Promise.all(
    queued.map(async ({ name }) => {
      return [
        name,
        await startLambda({ functions: deployedFunctions(name), environment, thrifty: true, lazy: true }),
      ] as const;
    }),
  );
  const byName = new Map<string, Supervisor>(started);
  return {
    url: (name: string) => byName.get(name)!.url,
    close: () => Promise.all(started.map(([, supervisor]) => supervisor.close())),
  };
}

/** A sample that cannot be served is told, and the others are served. */
async function pushSample(folder: string, services: Services): Promise<void> {
  try {
    const { name, version, status, reason } = await pushPackage(folder, services);
    if (status === 'FAILED') throw new Error(`${name} ${version} was refused: ${reason}`);
  } catch (error) {
    console.error(`lambent: sample ${folder}: ${(error as Error).message}`);
  }
}

/** The key for development, made at the first start and kept beside the state. */
async function developmentKey(state: string, services: Services): Promise<string> {
  const file = join(state, 'development-key');
  const kept = await readFile(file, 'utf8').catch(() => undefined);
  if (kept && (await services.findApiKey(kept))) return kept;
  if (kept) console.error(`lambent: the key in ${file} is not known any more, so another is made`);
  const { secret } = await services.createApiKey('development');
  await writeFile(file, secret, { mode: 0o600 });
  return secret;
}
