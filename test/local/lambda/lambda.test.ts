import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  InvokeCommand,
  type InvokeCommandInput,
  LambdaClient,
  type LambdaServiceException,
} from '@aws-sdk/client-lambda';
import { deployedFunctions, startLambda } from '../../../local/lambda/start-lambda.ts';
import type { Supervisor } from '../../../local/supervisor.ts';

const module = new URL('./sandboxed-function.ts', import.meta.url).href;
const one = { module, timeoutSeconds: 20, memoryMiB: 512 };
let lambda: Supervisor;
let client: LambdaClient;

before(async () => {
  const missing = { ...one, module: new URL('./no-such-function.ts', import.meta.url).href };
  const functions = { one, brief: { ...one, timeoutSeconds: 1 }, missing };
  lambda = await startLambda({ functions, environment: { SECRET: 'of the function' } });
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  client = new LambdaClient({ endpoint: lambda.url, region: 'us-east-1', credentials, maxAttempts: 1 });
});
after(async () => {
  client.destroy();
  await lambda.close();
});

async function invoke(event: unknown, input: Partial<InvokeCommandInput> = {}) {
  const answer = await client.send(
    new InvokeCommand({ FunctionName: 'one', Payload: JSON.stringify(event), ...input }),
  );
  const text = answer.Payload?.transformToString() ?? '';
  const { StatusCode, FunctionError } = answer;
  return { status: StatusCode, error: FunctionError, payload: text === '' ? undefined : JSON.parse(text) };
}
const refused = (status: number, name: string) => (error: LambdaServiceException) =>
  error.name === name && error.$metadata.httpStatusCode === status;
const pid = async () => (await invoke({ do: 'echo' })).payload.pid as number;

test('an invocation gets the event, the context and the environment, and its result is the answer', async () => {
  const { status, error, payload } = await invoke({ do: 'echo', text: 'ü' });
  assert.deepEqual([status, error], [200, undefined]);
  const { awsRequestId, remaining, pid, ...rest } = payload;
  assert.match(awsRequestId, /^[0-9a-f-]{36}$/);
  assert.ok(remaining > 0 && remaining <= 20_000);
  assert.equal(pid, lambda.pid());
  assert.deepEqual(rest, {
    event: { do: 'echo', text: 'ü' },
    functionName: 'one',
    memoryLimitInMB: '512',
    secret: 'of the function',
  });
});

test('no result is null, no payload is the event {}', async () => {
  assert.equal((await invoke({ do: 'nothing' })).payload, null);
  assert.deepEqual((await invoke(undefined, { Payload: new Uint8Array() })).payload.event, {});
});

test('many invocations run at the same time in one process', async () => {
  const guests = Array.from({ length: 20 }, () => invoke({ do: 'meet', guests: 20 }));
  for (const { error } of await Promise.all(guests)) assert.equal(error, undefined);
});

test('what a function throws is a function error with type, message and trace', async () => {
  const { status, error, payload } = await invoke({ do: 'throw' });
  assert.deepEqual(
    [status, error, payload.errorType, payload.errorMessage],
    [200, 'Unhandled', 'RangeError', 'out of range'],
  );
  assert.match(payload.trace[1], /sandboxed-function/);
  assert.deepEqual((await invoke({ do: 'throw text' })).payload, {
    errorType: 'string',
    errorMessage: 'text',
    trace: [],
  });
});

test('a function whose module cannot be imported fails, the others run', async () => {
  const { error, payload } = await invoke({}, { FunctionName: 'missing' });
  assert.equal(error, 'Unhandled');
  assert.match(payload.errorMessage, /no-such-function/);
  assert.equal((await invoke({ do: 'echo' })).error, undefined);
});

test('a request over 6,291,456 bytes is refused with 413, an answer over the limit is a function error', async () => {
  await assert.rejects(invoke('a'.repeat(6_291_456)), refused(413, 'RequestTooLargeException'));
  assert.equal((await invoke({ text: 'a'.repeat(6_000_000) })).error, undefined);
  const { error, payload } = await invoke({ do: 'big' });
  assert.deepEqual([error, payload.errorType], ['Unhandled', 'Function.ResponseSizeTooLarge']);
});

test('an unknown function, version or payload is refused with the type that the SDK knows', async () => {
  await assert.rejects(invoke({}, { FunctionName: 'two' }), refused(404, 'ResourceNotFoundException'));
  await assert.rejects(invoke({}, { Qualifier: '7' }), refused(404, 'ResourceNotFoundException'));
  await assert.rejects(invoke({}, { Payload: '{' }), refused(400, 'InvalidRequestContentException'));
});

test('what Lambda has and the stand-in has not is refused with 501', async () => {
  await assert.rejects(invoke({}, { LogType: 'Tail' }), refused(501, 'NotImplemented'));
  const answer = await fetch(`${lambda.url}/2015-03-31/functions/`);
  assert.equal(answer.status, 501);
  assert.match(await answer.text(), /GET \/2015-03-31\/functions\//);
});

test('an asynchronous invocation is accepted at once, a dry run does nothing', async () => {
  assert.deepEqual(await invoke({ do: 'never' }, { InvocationType: 'Event' }), {
    status: 202,
    error: undefined,
    payload: undefined,
  });
  assert.equal((await invoke({ do: 'throw' }, { InvocationType: 'DryRun' })).status, 204);
  const long = 'a'.repeat(1_048_577);
  await assert.rejects(invoke(long, { InvocationType: 'Event' }), refused(413, 'RequestTooLargeException'));
});

test('a fault in a header is answered in place of the function', async () => {
  const headers = { 'x-lambent-fault': '{"status": 429, "errorType": "TooManyRequestsException"}' };
  const answer = await fetch(`${lambda.url}/2015-03-31/functions/one/invocations`, { method: 'POST', headers });
  assert.deepEqual([answer.status, answer.headers.get('x-amzn-errortype')], [429, 'TooManyRequestsException']);
});

test('a function that never ends is answered with a time-out, and a fresh process takes over', async () => {
  const before = await pid();
  const { error, payload } = await invoke({ do: 'never' }, { FunctionName: 'brief' });
  assert.equal(error, 'Unhandled');
  assert.equal(payload.errorType, 'Sandbox.Timedout');
  assert.match(payload.errorMessage, /Task timed out after 1\.00 seconds$/);
  assert.notEqual(await pid(), before);
});

test('an exception that nobody catches fails the invocations of its process, the next one runs', async () => {
  const before = await pid();
  const { error, payload } = await invoke({ do: 'crash' });
  assert.deepEqual(
    [error, payload.errorType, payload.errorMessage],
    ['Unhandled', 'Runtime.UncaughtException', 'nobody catches this'],
  );
  assert.notEqual(await pid(), before);
});

test('after kill -9 the invocation that ran is reset, and the next one waits for a fresh process', async () => {
  const before = await pid();
  await assert.rejects(invoke({ do: 'die' }), /hang up|ECONNRESET/);
  assert.notEqual(await pid(), before);
});

test('a lazy sandbox starts with its first call; closing it ends its process though a function runs', async () => {
  const functions = { slow: one };
  const lazy = await startLambda({ functions, environment: {}, lazy: true });
  assert.equal(lazy.pid(), undefined);
  const headers = { 'x-amz-invocation-type': 'Event' };
  const call = (body: string) =>
    fetch(`${lazy.url}/2015-03-31/functions/slow/invocations`, { method: 'POST', headers, body });
  assert.equal((await call('{"do":"never"}')).status, 202);
  const started = lazy.pid() as number;
  await call('{"do":"block"}').catch(() => {});
  await lazy.close();
  assert.throws(() => process.kill(started, 0), { code: 'ESRCH' });
});

test('deployed functions have the limits of the manifest', () => {
  const { infer } = deployedFunctions('infer');
  assert.deepEqual([infer?.timeoutSeconds, infer?.memoryMiB], [60, 3008]);
  assert.match(infer?.module ?? '', /functions\/handlers\/infer\.ts$/);
});
