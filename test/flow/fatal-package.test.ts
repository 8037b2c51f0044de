import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { SQSBatchResponse } from 'aws-lambda';
import { readConfig } from '../../functions/config.ts';
import { createServices } from '../../functions/create-services.ts';
import { giveUpRegistration } from '../../functions/registry/register-model.ts';
import type { Services } from '../../functions/services.ts';
import { modelFileKey } from '../../functions/storage/object-keys.ts';
import { startDynamodb } from '../../local/dynamodb.ts';
import { applyEnvironment, localEnvironment, resources } from '../../local/environment.ts';
import { invokeFunction } from '../../local/invoke-function.ts';
import { deployedFunctions, startLambda } from '../../local/lambda/start-lambda.ts';
import { startS3 } from '../../local/s3/s3.ts';
import { startSqs } from '../../local/sqs/sqs.ts';
import type { Supervisor } from '../../local/supervisor.ts';
import { queueDefinitions, queueVariables, startTriggers } from '../../local/triggers.ts';
import { addOneModel } from '../onnx-model.ts';
import { temporaryState } from './run-platform.ts';

const name = 'register-model';
let state: string;
let services: Services;
let environment: Record<string, string>;
let register: Supervisor;
let deaths = 0;
const closing: (() => unknown)[] = [];

/** S3, the queue and register-model as on the platform, but with less memory, so that less of it is used up. */
before(async () => {
  const temporary = await temporaryState();
  state = temporary.state;
  const dynamodb = await startDynamodb({ path: join(state, 'dynamodb'), tableName: resources.TABLE_NAME });
  const buckets = [resources.ARTIFACTS_BUCKET, resources.DATA_BUCKET];
  const s3 = await startS3({ directory: join(state, 's3'), buckets });
  const sqs = await startSqs({ directory: join(state, 'sqs'), queues: queueDefinitions });
  const storage = { S3: s3.url, DYNAMODB: dynamodb.url, SQS: sqs.url };
  const infer = await startLambda({ functions: deployedFunctions('infer'), environment: localEnvironment(storage) });
  environment = { ...localEnvironment({ ...storage, LAMBDA: infer.url }), ...queueVariables(sqs) };
  applyEnvironment(environment);
  await writeFile(join(state, 'environment.json'), JSON.stringify(environment));
  services = createServices(readConfig(process.env));
  register = await startRegistration(110);
  const invoke = async (_: string, event: object) => {
    const died = (error: unknown) => {
      deaths += 1;
      throw error;
    };
    return (await invokeFunction(register.url, name, event).catch(died)) as SQSBatchResponse;
  };
  const triggers = startTriggers({ sqs, invoke, retrySeconds: 0 });
  s3.onEvent((record) => {
    const key = decodeURIComponent(record.s3.object.key.replaceAll('+', ' '));
    if (record.s3.bucket.name === resources.ARTIFACTS_BUCKET) triggers.onObjectEvent('artifacts', key, record);
  });
  closing.push(
    () => triggers.close(),
    () => register.close(),
    () => infer.close(),
    () => Promise.all([s3.close(), sqs.close(), dynamodb.close()]),
    () => temporary.remove(),
  );
});
after(async () => {
  for (const close of closing) await close();
});

function startRegistration(memoryMiB: number): Promise<Supervisor> {
  const [deployed] = Object.values(deployedFunctions(name));
  const functions = { [name]: { ...deployed!, memoryMiB } };
  return startLambda({ functions, environment, thrifty: true });
}

async function command(file: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, LAMBENT_STATE: state };
  return (await promisify(execFile)(process.execPath, [`commands/${file}.ts`, ...args], { env })).stdout;
}

test('a package that ends register-model at every attempt is FAILED and says why; with more memory its dead letter succeeds', async () => {
  const folder = join(state, 'fatal');
  await mkdir(folder);
  await writeFile(join(folder, 'model.onnx'), addOneModel());
  // 6 MB, of which V8 makes objects of more than 110 MB.
  await writeFile(join(folder, 'vocab.json'), `[${'{},'.repeat(2_000_000)}{}]`);
  const told =
    'validation ended without an answer, the last of 5 times, most likely out of memory (1769 MiB) or of time (120 s): ' +
    'make its files smaller, JSON above all, and push it again';
  await assert.rejects(command('push', folder), (error: Error & { stderr?: string; code?: number }) => {
    const again = 'its validation has not come to an end, and is tried again\n'.repeat(4);
    return error.code === 1 && error.stderr!.endsWith(`${again}push: fatal 1 is FAILED: ${told}\n`);
  });
  assert.equal(deaths, 5);
  const { registeredAt, finishedAt } = (await services.readRegistration('fatal', '1'))!;
  const line = `1         FAILED      ${registeredAt}  ${finishedAt}  ${told}\n`;
  assert.equal(await command('models', 'show', 'fatal'), line);
  while (!(await command('dead-letters', 'list')).startsWith(`${name}: 1`)) await wait(20);
  assert.match(await command('dead-letters', 'list'), /the last of 5 attempts ended without an answer/);

  const small = register;
  register = await startRegistration(1769);
  await small.close();
  await services.redriveDeadLetters(name);
  while ((await services.readRegistration('fatal', '1'))?.status !== 'READY') await wait(20);
  assert.equal(deaths, 5);

  // What is told late, or twice, changes nothing.
  const ready = await services.readRegistration('fatal', '1');
  const key = modelFileKey('fatal', '1', 'model.json');
  await giveUpRegistration({ key, uploadedAt: ready!.registeredAt! }, services);
  assert.deepEqual(await services.readRegistration('fatal', '1'), ready);
  // One that died between its last two steps is served.
  await services.updateModelEntry('fatal', (entry) => ({ ...entry, versions: [], aliases: {} }));
  await giveUpRegistration({ key, uploadedAt: ready!.registeredAt! }, services);
  assert.deepEqual((await services.readModelEntry('fatal')).versions, ['1']);
});

test('a version that was pushed anew is not ended by the message of an earlier upload', async () => {
  const key = modelFileKey('anew', '1', 'model.json');
  const about = { name: 'anew', version: '1', startedAt: '2026-11-27T12:00:01.000Z' };
  const first = '2026-11-27T12:00:00.000Z';
  const second = { ...about, registeredAt: '2026-11-27T13:00:00.000Z', status: 'VALIDATING' } as const;
  await services.writeRegistration(second);
  await giveUpRegistration({ key, uploadedAt: first }, services);
  assert.deepEqual(await services.readRegistration('anew', '1'), second);
  await giveUpRegistration({ key, uploadedAt: second.registeredAt }, services);
  assert.equal((await services.readRegistration('anew', '1'))?.status, 'FAILED');
  await giveUpRegistration({ key: modelFileKey('unseen', '1', 'model.json'), uploadedAt: first }, services);
  assert.equal((await services.readRegistration('unseen', '1'))?.status, 'FAILED');
});
