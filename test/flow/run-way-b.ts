import { join } from 'node:path';
import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { SQSBatchResponse } from 'aws-lambda';
import type { FunctionName } from '../../functions/manifest.ts';
import { startDynamodb } from '../../local/dynamodb.ts';
import { applyEnvironment, localEnvironment, resources } from '../../local/environment.ts';
import { invokeFunction } from '../../local/invoke-function.ts';
import { deployedFunctions, startLambda } from '../../local/lambda/start-lambda.ts';
import { startS3 } from '../../local/s3/s3.ts';
import { startSqs } from '../../local/sqs/sqs.ts';
import { queueDefinitions, queueVariables, startTriggers } from '../../local/triggers.ts';
import { compileCache } from './run-platform.ts';

/**
 * The stand-ins in disorder, the functions that register and run models, and `worker`, one of those that read a queue,
 * which can be killed; the other queues are read by nobody who does anything.
 */
export async function runWayB(state: string, worker: FunctionName) {
  const dynamodb = await startDynamodb({ path: join(state, 'dynamodb'), tableName: resources.TABLE_NAME });
  const s3 = await startS3({
    directory: join(state, 's3'),
    buckets: [resources.ARTIFACTS_BUCKET, resources.DATA_BUCKET],
  });
  const sqs = await startSqs({ directory: join(state, 'sqs'), queues: queueDefinitions, disorder: '3' });
  const storage = { S3: s3.url, SQS: sqs.url, DYNAMODB: dynamodb.url };
  const run = (one: FunctionName, environment: Record<string, string>) =>
    startLambda({ functions: deployedFunctions(one), environment: { ...environment, ...compileCache } });
  const infer = await run('infer', localEnvironment(storage));
  const environment = { ...localEnvironment({ ...storage, LAMBDA: infer.url }), ...queueVariables(sqs) };
  applyEnvironment(environment);
  const registerModel = await run('register-model', environment);
  let working = run(worker, environment);
  const triggers = startTriggers({
    sqs,
    disorder: '3',
    retrySeconds: 0.01,
    invoke: async (name, event) => {
      if (name !== worker && name !== 'register-model') return { batchItemFailures: [] };
      const { url } = name === worker ? await working : registerModel;
      return (await invokeFunction(url, name, event)) as SQSBatchResponse;
    },
  });
  s3.onEvent((record) => {
    const bucket = record.s3.bucket.name === resources.DATA_BUCKET ? 'data' : 'artifacts';
    triggers.onObjectEvent(bucket, decodeURIComponent(record.s3.object.key.replaceAll('+', ' ')), record);
  });
  const client = new S3Client({ forcePathStyle: true });
  const Bucket = resources.DATA_BUCKET;
  return {
    sqs,
    /** Kills the worker; another takes its place. */
    async kill() {
      const killed = working;
      working = run(worker, environment);
      const { pid, close } = await killed;
      process.kill(pid()!, 'SIGKILL');
      await close();
    },
    /** Is told of every call of the worker, when it comes and when it is answered, but for uploads by a person. */
    onCall(listener: () => void) {
      for (const { server } of [s3, dynamodb, sqs]) {
        server.prependListener('request', (request, response) => {
          if (request.method === 'PUT' && /\/(inbox|raw|jobs)\//.test(request.url ?? '')) return;
          listener();
          response.once('finish', listener);
        });
      }
    },
    upload: (Key: string, Body: string) => client.send(new PutObjectCommand({ Bucket, Key, Body })),
    list: async (Prefix: string) => {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix }));
      return Contents.map(({ Key }) => Key!);
    },
    /** Ends when no message of the worker's waits or is worked on. */
    async idle() {
      const queue = sqs.queue(worker);
      while (Object.values(queue.counts()).some((count) => count > 0)) await new Promise((next) => setTimeout(next, 5));
    },
    async close() {
      client.destroy();
      await Promise.all([triggers.close(), (await working).close(), registerModel.close(), infer.close()]);
      await Promise.all([sqs.close(), s3.close(), dynamodb.close()]);
    },
  };
}
