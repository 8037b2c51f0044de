import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readConfig } from '../../functions/config.ts';
import { createServices } from '../../functions/create-services.ts';
import { listVersions, readVersion } from '../../functions/registry/list-versions.ts';
import { seededRandom } from '../../functions/seeded-random.ts';
import type { Services } from '../../functions/services.ts';
import { modelFileKey, servingKey } from '../../functions/storage/object-keys.ts';
import { startDynamodb } from '../../local/dynamodb.ts';
import { applyEnvironment, localEnvironment, resources } from '../../local/environment.ts';
import { deployedFunctions, startLambda } from '../../local/lambda/start-lambda.ts';
import { startS3 } from '../../local/s3/s3.ts';
import { addOneModel } from '../onnx-model.ts';
import { startCallsProxy } from './calls-proxy.ts';
import { temporaryState } from './run-platform.ts';

const graph = addOneModel();
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

let services: Services;
let handler: (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;
let killedEnvironment: Record<string, string>;
/** Calls that the process under test may still make before its last one is answered with SIGKILL. */
let callsLeft = 0;
let kill = () => {};
const closing: (() => unknown)[] = [];

before(async () => {
  const { state, remove } = await temporaryState();
  const dynamodb = await startDynamodb({ path: join(state, 'dynamodb'), tableName: resources.TABLE_NAME });
  const s3 = await startS3({
    directory: join(state, 's3'),
    buckets: [resources.ARTIFACTS_BUCKET, resources.DATA_BUCKET],
  });
  const storage = { S3: s3.url, DYNAMODB: dynamodb.url };
  const lambda = await startLambda({ functions: deployedFunctions('infer'), environment: localEnvironment(storage) });
  const urls = { ...storage, LAMBDA: lambda.url };
  const onAnswered = () => {
    callsLeft -= 1;
    if (callsLeft === 0) kill();
    return callsLeft > 0;
  };
  const proxies = await Promise.all(
    Object.entries(urls).map(async ([service, url]) => [service, await startCallsProxy(url, onAnswered)] as const),
  );
  const proxied = Object.fromEntries(proxies.map(([service, { url }]) => [service, url]));
  killedEnvironment = { ...localEnvironment(proxied), NODE_COMPILE_CACHE: join(state, 'compile-cache') };
  applyEnvironment(localEnvironment(urls));
  services = createServices(readConfig(process.env));
  ({ handler } = await import('../../functions/handlers/register-model.ts'));
  closing.push(
    ...proxies.map(
      ([, proxy]) =>
        () =>
          proxy.close(),
    ),
  );
  closing.push(
    () => lambda.close(),
    () => s3.close(),
    () => dynamodb.close(),
    remove,
  );
});
after(async () => {
  for (const close of closing) await close();
});

/** Uploads a package and gives the event that its model.json makes. */
async function upload(name: string, version: string, second = 0, more: readonly object[] = []): Promise<SQSEvent> {
  const golden = {
    input: { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }] },
    output: { outputs: [{ name: 'y', data: [2, 3, 4] }] },
  };
  const files = { 'model.onnx': { sha256: sha256(graph), size: graph.length } };
  const manifest = { name, version, maxBatchSize: 8, golden: [golden, ...more], files };
  await services.replaceArtifact(modelFileKey(name, version, 'model.onnx'), graph);
  const key = modelFileKey(name, version, 'model.json');
  await services.replaceArtifact(key, Buffer.from(JSON.stringify(manifest)));
  const s3 = { bucket: { name: resources.ARTIFACTS_BUCKET }, object: { key } };
  const record = { eventName: 'ObjectCreated:Put', eventTime: `2026-11-23T12:00:0${second}.000Z`, s3 };
  const attributes = { ApproximateReceiveCount: '1' };
  return { Records: [{ messageId: key, body: JSON.stringify({ Records: [record] }), attributes }] } as SQSEvent;
}

async function deliver(event: SQSEvent): Promise<void> {
  assert.deepEqual(await handler(event, { getRemainingTimeInMillis: () => 60_000 } as Context), {
    batchItemFailures: [],
  });
}

/** Runs the function in a process of its own that is killed when `calls` calls were carried out; was it? */
async function runKilled(event: SQSEvent, calls: number): Promise<boolean> {
  const child = spawn(process.execPath, ['test/flow/register-once.ts'], {
    env: { ...process.env, ...killedEnvironment },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  callsLeft = calls;
  kill = () => child.kill('SIGKILL');
  child.stdin.end(JSON.stringify(event));
  const [code, signal] = await once(child, 'exit');
  if (signal === null) assert.equal(code, 0);
  return signal === 'SIGKILL';
}

test('register-model killed after any of its calls and woken again leaves one READY version and one whole archive', async () => {
  const archives = new Set<string>();
  let calls = 1;
  let between = 0;
  for (let killed = true; killed; calls++) {
    const name = `killed-${calls}`;
    const event = await upload(name, '1');
    killed = await runKilled(event, calls);
    const ready = (await services.readRegistration(name, '1'))?.status === 'READY';
    const served = await services.readModelEntry(name).then(
      () => true,
      () => false,
    );
    if (ready && !served) between += 1;
    assert.equal((await readVersion(name, '1', services))?.status === 'READY', served, 'READY is what is served');
    await deliver(event);
    const registration = await services.readRegistration(name, '1');
    assert.equal(registration?.status, 'READY', `killed after call ${calls}: ${registration?.reason}`);
    const { versions, aliases } = await services.readModelEntry(name);
    assert.deepEqual([versions, aliases], [['1'], { production: '1' }], `killed after call ${calls}`);
    archives.add(sha256(await services.readArtifact(servingKey(name, '1'))));
  }
  assert.ok(calls > 10, `${calls} calls were seen`);
  assert.ok(between > 0, 'one was killed when the version was READY and not served yet');
  assert.equal(archives.size, 1, 'equal packages give equal archives');
});

test('a version is REGISTERED when its model.json is there, VALIDATING when its turn has come, then READY, each with its time', async () => {
  const states = async () =>
    (await listVersions('states', services)).map((state) => [state.version, state.status, typeof state.registeredAt]);
  await services.replaceArtifact(modelFileKey('states', '2', 'model.onnx'), graph);
  assert.deepEqual(await states(), [], 'files without model.json are no version yet');
  const event = await upload('states', '1');
  const waiting = await readVersion('states', '1', services);
  assert.deepEqual(await states(), [['1', 'REGISTERED', 'string']]);
  assert.deepEqual(waiting?.status, 'REGISTERED');
  assert.ok(await runKilled(event, 2), 'it is killed when it has written that it begins');
  assert.deepEqual(await states(), [['1', 'VALIDATING', 'string']]);
  await deliver(event);
  assert.deepEqual(await states(), [['1', 'READY', 'string']]);
});

test('a version with golden cases of many megabytes becomes READY', async () => {
  const x = { name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] };
  const note = 'n'.repeat(100_000);
  const cases = Array.from({ length: 50 }, (_, at) => ({
    input: { id: `${at}${note}`, inputs: [x] },
    output: { outputs: [{ name: 'y', data: [2, 3, 4] }] },
  }));
  await deliver(await upload('golden', '1', 0, cases));
  const registration = await services.readRegistration('golden', '1');
  assert.equal(registration?.status, 'READY', registration?.reason);
});

test('events that come twice and in any order lead to the same registry', async () => {
  const states = new Set<string>();
  for (const seed of ['a', 'b', 'c']) {
    const random = seededRandom(seed);
    const name = `shuffled-${seed}`;
    const events = await Promise.all(['3', '1', '2'].map((version, second) => upload(name, version, second)));
    const twice = [...events, ...events].map((event) => ({ event, rank: random() }));
    await Promise.all(twice.sort((a, b) => a.rank - b.rank).map(({ event }) => deliver(event)));
    const { versions, aliases } = await services.readModelEntry(name);
    const registrations = await services.listRegistrations(name);
    states.add(JSON.stringify([versions, aliases, registrations.map(({ version, status }) => [version, status])]));
  }
  const ready = ['1', '2', '3'].map((version) => [version, 'READY']);
  assert.deepEqual([...states], [JSON.stringify([['1', '2', '3'], { production: '3' }, ready])]);
});
