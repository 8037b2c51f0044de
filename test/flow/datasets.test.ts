import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { SQSBatchResponse } from 'aws-lambda';
import { readConfig } from '../../functions/config.ts';
import { createServices } from '../../functions/create-services.ts';
import { preparedManifestSchema } from '../../functions/datasets/prepared-manifest.ts';
import { startDynamodb } from '../../local/dynamodb.ts';
import { applyEnvironment, localEnvironment, resources } from '../../local/environment.ts';
import { invokeFunction } from '../../local/invoke-function.ts';
import { deployedFunctions, startLambda } from '../../local/lambda/start-lambda.ts';
import { startS3 } from '../../local/s3/s3.ts';
import { deadLettersOf, startSqs } from '../../local/sqs/sqs.ts';
import { queueDefinitions, queueVariables, startTriggers } from '../../local/triggers.ts';
import { createDatasetWorld } from '../unit/datasets/dataset-world.ts';
import { writeZip } from '../zip-file.ts';
import { compileCache, temporaryState } from './run-platform.ts';

const kills = 24;
/** Calls, and their answers, that the workers of one data set make at least. */
const callsOfOne = 200;
/** Between two kills, so that no message meets its last delivery. */
const callsBetween = 260;
const name = 'prepare-dataset';

/** The stand-ins and the function, and what an uploader has of them. */
async function start(state: string) {
  const dynamodb = await startDynamodb({ path: join(state, 'dynamodb'), tableName: resources.TABLE_NAME });
  const s3 = await startS3({ directory: join(state, 's3'), buckets: [resources.DATA_BUCKET] });
  const sqs = await startSqs({ directory: join(state, 'sqs'), queues: queueDefinitions, disorder: '7' });
  const urls = { S3: s3.url, DYNAMODB: dynamodb.url, SQS: sqs.url };
  const environment = { ...localEnvironment(urls), ...queueVariables(sqs), ...compileCache };
  applyEnvironment(environment);
  const run = () => startLambda({ functions: deployedFunctions(name), environment });
  let worker = run();
  const triggers = startTriggers({
    sqs,
    disorder: '7',
    retrySeconds: 0.01,
    invoke: async (functionName, event) =>
      (await invokeFunction((await worker).url, functionName, event)) as unknown as SQSBatchResponse,
  });
  s3.onEvent((record) => {
    triggers.onObjectEvent('data', decodeURIComponent(record.s3.object.key.replaceAll('+', ' ')), record);
  });
  const client = new S3Client({ forcePathStyle: true });
  return {
    sqs,
    /** Kills the process of all workers; another takes its place. */
    async kill() {
      const killed = worker;
      worker = run();
      const { pid, close } = await killed;
      process.kill(pid()!, 'SIGKILL');
      await close();
    },
    /** Is told of every call of the workers, when it comes and when it is answered. */
    onCall(listener: () => void) {
      for (const { server } of [s3, dynamodb]) {
        server.prependListener('request', (request, response) => {
          if (request.method === 'PUT' && request.url?.includes('/raw/')) return;
          listener();
          response.once('finish', listener);
        });
      }
    },
    async upload(Key: string, Body: Uint8Array | string) {
      await client.send(new PutObjectCommand({ Bucket: resources.DATA_BUCKET, Key, Body }));
    },
    /** Ends when no message waits or is worked on. */
    async idle() {
      const queue = sqs.queue(name);
      while (Object.values(queue.counts()).some((count) => count > 0)) await new Promise((next) => setTimeout(next, 5));
    },
    async close() {
      client.destroy();
      await triggers.close();
      await (await worker).close();
      await Promise.all([sqs.close(), s3.close(), dynamodb.close()]);
    },
  };
}

const definition = {
  task: 'text-classification',
  clean: { whitespace: 'trim', limits: { characters: { min: 4 } } },
  augment: { text: { swap: 0.5 } },
};

/** Reviews in lines, in folders of a zip and as files, some of them twice. */
function filesOf(dataset: number): Record<string, Uint8Array | string> {
  const text = (index: number) => `review ${dataset} number ${index % 37} of a thing that somebody bought`;
  const line = (index: number) => JSON.stringify({ text: text(index), label: index % 37 < 20 ? 'good' : 'bad' });
  const inside = [38, 39].map((index) => ({
    name: `good/${index}.txt`,
    data: Buffer.from(`${text(index)} 🐈`),
    deflate: true,
  }));
  return {
    'a b/100 % + é.jsonl': Array.from({ length: 60 }, (_, index) => line(index)).join('\n'),
    'c.zip': writeZip(inside),
    'bad/1.txt': `another ${dataset}`,
    'bad/2.txt': 'no',
  };
}

test(`${kills} kills of the workers at their calls lose, double and change nothing of what is prepared`, async (t) => {
  const temporary = await temporaryState();
  const platform = await start(temporary.state);
  t.after(async () => {
    await platform.close();
    await temporary.remove();
  });
  const services = createServices(readConfig(process.env));
  let [calls, killAt] = [0, 0];
  const killed: Promise<void>[] = [];
  platform.onCall(() => {
    calls += 1;
    if (calls !== killAt || killed.length === kills) return;
    killed.push(platform.kill());
    killAt += callsBetween;
  });
  let datasets = 0;
  for (; killed.length < kills && datasets < 2 * kills; datasets++) {
    [calls, killAt] = [0, 1 + ((datasets * 17) % callsOfOne)];
    const files = filesOf(datasets);
    for (const [path, body] of Object.entries(files)) await platform.upload(`raw/set-${datasets}/${path}`, body);
    await platform.upload(`raw/set-${datasets}/dataset.json`, JSON.stringify(definition));
    await platform.idle();
  }
  assert.equal(killed.length, kills);
  await Promise.all(killed);

  assert.deepEqual(platform.sqs.queue(deadLettersOf(name)).counts(), { visible: 0, inFlight: 0, delayed: 0 });
  for (let dataset = 0; dataset < datasets; dataset++) {
    const world = createDatasetWorld();
    world.upload(`set-${dataset}`, definition, filesOf(dataset));
    await world.work();
    const expected = world.manifest(`set-${dataset}`);
    const keys = await Array.fromAsync(services.listData(`prepared/set-${dataset}/`), ({ key }) => key);
    assert.deepEqual(keys, Object.keys(world.prepared(`set-${dataset}`)));
    const manifest = preparedManifestSchema.parse(
      JSON.parse(String(await services.readData(`prepared/set-${dataset}/manifest.json`))),
    );
    const { sequencer: _, createdAt: __, ...made } = manifest;
    const { sequencer: ___, createdAt: ____, ...wanted } = expected;
    assert.deepEqual(made, wanted);
    for (const { key } of Object.values(manifest.splits).flatMap(({ shards }) => shards)) {
      assert.deepEqual(await services.readData(key), world.objects.get(key)!.body, key);
    }
  }
});
