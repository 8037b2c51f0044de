import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { SQSBatchResponse } from 'aws-lambda';
import { pushPackage } from '../../commands/push-package.ts';
import { readConfig } from '../../functions/config.ts';
import { createServices } from '../../functions/create-services.ts';
import type { FunctionName } from '../../functions/manifest.ts';
import { startDynamodb } from '../../local/dynamodb.ts';
import { applyEnvironment, localEnvironment, resources } from '../../local/environment.ts';
import { invokeFunction } from '../../local/invoke-function.ts';
import { deployedFunctions, startLambda } from '../../local/lambda/start-lambda.ts';
import { startS3 } from '../../local/s3/s3.ts';
import { deadLettersOf, startSqs } from '../../local/sqs/sqs.ts';
import { queueDefinitions, startTriggers } from '../../local/triggers.ts';
import { compileCache, temporaryState } from './run-platform.ts';

const kills = 24;
/** Calls for one file, and their answers, that a worker makes at least when it has just started. */
const callsOfOne = 20;
const name = 'predict-inbox';

/** The stand-ins and the functions of way B, and what an uploader has of them. */
async function start(state: string) {
  const dynamodb = await startDynamodb({ path: join(state, 'dynamodb'), tableName: resources.TABLE_NAME });
  const s3 = await startS3({
    directory: join(state, 's3'),
    buckets: [resources.ARTIFACTS_BUCKET, resources.DATA_BUCKET],
  });
  const sqs = await startSqs({ directory: join(state, 'sqs'), queues: queueDefinitions, disorder: '3' });
  const storage = { S3: s3.url, DYNAMODB: dynamodb.url };
  const run = (one: FunctionName, environment: Record<string, string>) =>
    startLambda({ functions: deployedFunctions(one), environment: { ...environment, ...compileCache } });
  const infer = await run('infer', localEnvironment(storage));
  const environment = localEnvironment({ ...storage, LAMBDA: infer.url });
  applyEnvironment(environment);
  const registerModel = await run('register-model', environment);
  let worker = run(name, environment);
  const triggers = startTriggers({
    sqs,
    disorder: '3',
    retrySeconds: 0.01,
    invoke: async (functionName, event) => {
      const { url } = functionName === name ? await worker : registerModel;
      return (await invokeFunction(url, functionName, event)) as SQSBatchResponse;
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
      const killed = worker;
      worker = run(name, environment);
      const { pid, close } = await killed;
      process.kill(pid()!, 'SIGKILL');
      await close();
    },
    /** Is told of every call of the worker, when it comes and when it is answered. */
    onCall(listener: () => void) {
      for (const { server } of [s3, dynamodb]) {
        server.prependListener('request', (request, response) => {
          if (request.method === 'PUT' && request.url?.includes('/inbox/')) return;
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
    /** Ends when no message waits or is worked on. */
    async idle() {
      const queue = sqs.queue(name);
      while (Object.values(queue.counts()).some((count) => count > 0)) await new Promise((next) => setTimeout(next, 5));
    },
    async close() {
      client.destroy();
      await Promise.all([triggers.close(), (await worker).close(), registerModel.close(), infer.close()]);
      await Promise.all([sqs.close(), s3.close(), dynamodb.close()]);
    },
  };
}

test(`${kills} kills of the worker at its calls lose, double and orphan nothing`, async (t) => {
  const temporary = await temporaryState();
  const platform = await start(temporary.state);
  t.after(async () => {
    await platform.close();
    await temporary.remove();
  });
  const services = createServices(readConfig(process.env));
  assert.equal((await pushPackage('models/sentiment', services)).status, 'READY');

  let [calls, killAt] = [0, 0];
  const killed: Promise<void>[] = [];
  platform.onCall(() => {
    calls += 1;
    if (calls === killAt) killed.push(platform.kill());
  });
  const texts = ['The battery lasts for days. Great phone!', 'Bad. A waste of money.'];
  const keyOf = (index: number) => `sentiment${index % 3 === 0 ? '@production' : ''}/day ${index}/50 % + 🐈.txt`;
  // A worker that still remembers the model makes fewer calls than a fresh one, and may end before its kill is due.
  let uploads = 0;
  for (; killed.length < kills && uploads < 2 * kills; uploads++) {
    [calls, killAt] = [0, uploads && 1 + (uploads % callsOfOne)];
    await platform.upload(`inbox/${keyOf(uploads)}`, texts[uploads % 2]!);
    await platform.idle();
  }
  assert.equal(killed.length, kills);
  await Promise.all(killed);

  assert.deepEqual(platform.sqs.queue(deadLettersOf(name)).counts(), { visible: 0, inFlight: 0, delayed: 0 });
  const indexes = Array.from({ length: uploads }, (_, index) => index);
  const expected = indexes.map((index) => `outbox/${keyOf(index)}.json`);
  assert.deepEqual(new Set(await platform.list('outbox/')), new Set(expected));
  assert.equal((await platform.list('answers/')).length, expected.length);
  for (const index of indexes) {
    const document = JSON.parse(String(await services.readData(expected[index]!)));
    assert.equal(document.output[0][0].label, index % 2 === 0 ? 'positive' : 'negative', keyOf(index));
    assert.equal(document.input.key, `inbox/${keyOf(index)}`);
  }
});
