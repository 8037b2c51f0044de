import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { after, before, test } from 'node:test';
import { InvokeCommand, InvokeWithResponseStreamCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { startLambda } from '../../../local/lambda/start-lambda.ts';
import type { Supervisor } from '../../../local/supervisor.ts';

let lambda: Supervisor;
let client: LambdaClient;
before(async () => {
  const limits = { timeoutSeconds: 20, memoryMiB: 512 };
  const functions = {
    streams: { module: new URL('./streaming-function.ts', import.meta.url).href, ...limits },
    answers: { module: new URL('./sandboxed-function.ts', import.meta.url).href, ...limits },
  };
  lambda = await startLambda({ functions, environment: {} });
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  client = new LambdaClient({ endpoint: lambda.url, region: 'us-east-1', credentials, maxAttempts: 1 });
});
after(async () => {
  client.destroy();
  await lambda.close();
});

async function stream(name: string, event: object) {
  const command = new InvokeWithResponseStreamCommand({ FunctionName: name, Payload: JSON.stringify(event) });
  const { EventStream, StatusCode: status } = await client.send(command);
  const pieces: string[] = [];
  for await (const { PayloadChunk, InvokeComplete } of EventStream!) {
    if (InvokeComplete) return { pieces, status, error: InvokeComplete.ErrorCode };
    pieces.push(Buffer.from(PayloadChunk?.Payload ?? []).toString());
  }
  return { pieces, status, error: 'no end' };
}

test('what a function streams arrives piece by piece, and its end is told', async () => {
  assert.deepEqual(await stream('streams', { do: 'count' }), {
    pieces: ['1\n', '2\n', '3\n'],
    status: 200,
    error: undefined,
  });
});

test('a function that fails in its stream is told of at its end', async () => {
  assert.deepEqual(await stream('streams', { do: 'fail' }), {
    pieces: ['1\n', '2\n', '3\n'],
    status: 200,
    error: 'Unhandled',
  });
});

test('Invoke gathers a stream, and a function that returns is streamed as one piece', async () => {
  const { Payload } = await client.send(
    new InvokeCommand({ FunctionName: 'streams', Payload: JSON.stringify({ do: 'count' }) }),
  );
  assert.equal(Payload?.transformToString(), '1\n2\n3\n');
  assert.deepEqual((await stream('answers', { do: 'nothing' })).pieces, ['null']);
});

test('a caller that leaves makes the next write of the function fail', async () => {
  const path = '/2021-11-15/functions/streams/response-streaming-invocations';
  const asked = request(`${lambda.url}${path}`, { method: 'POST' }).end(JSON.stringify({ do: 'forever' }));
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  await once(response, 'data');
  response.destroy();
  const { pieces } = await stream('streams', { do: 'left' });
  assert.equal(pieces[0], 'left: Error\n');
});
