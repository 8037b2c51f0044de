import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ItemAnswer } from '../../../functions/host/infer-event.ts';
import { parseInferAnswer } from '../../../functions/host/infer-payload.ts';
import { decodeInferResponse, encodeInferRequest } from '../../../functions/inference/binary-tensor.ts';
import type { Tensor } from '../../../functions/inference/protocol.ts';
import { deployedFunctions, type LambdaFunction, startLambda } from '../../../local/lambda/start-lambda.ts';
import { type S3StandIn, startS3 } from '../../../local/s3/s3.ts';
import type { Supervisor } from '../../../local/supervisor.ts';
import { addOneModel, loopModel } from '../../onnx-model.ts';

let directory: string;
let s3: S3StandIn;
let lambda: Supervisor;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lambent-infer-'));
  s3 = await startS3({ directory, buckets: ['artifacts'] });
  const infer = { ...deployedFunctions('infer').infer, timeoutSeconds: 3 } as LambdaFunction;
  const credentials = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  const names = { TABLE_NAME: 'table', ARTIFACTS_BUCKET: 'artifacts', DATA_BUCKET: 'data' };
  const environment = { ...credentials, ...names, AWS_ENDPOINT_URL_S3: s3.url };
  lambda = await startLambda({ functions: { infer }, environment });
});
after(async () => {
  await lambda.close();
  await s3.close();
  await rm(directory, { recursive: true });
});

async function infer(name: string, graph: Uint8Array, inputs: Tensor[]) {
  const sha256 = createHash('sha256').update(graph).digest('hex');
  const files = { 'model.onnx': { sha256, size: graph.length } };
  await fetch(`${s3.url}/artifacts/models/${name}/1/model.onnx`, { method: 'PUT', body: Buffer.from(graph) });
  const manifest = { name, version: '1', host: 'lambda', model: 'model.onnx', maxBatchSize: 0, golden: [], files };
  const { headerLength, body } = encodeInferRequest({ inputs });
  // A deadline after the function's own time-out: the platform, not the function, has to end it.
  const item = { deadline: Date.now() + 600_000, headerLength, body: [body.toString('base64')] };
  const event = { operation: 'infer', manifest, requests: [item] };
  const url = `${lambda.url}/2015-03-31/functions/infer/invocations`;
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(event) });
  return parseInferAnswer(Buffer.from(await answer.arrayBuffer()));
}
const floats = (name: string, shape: number[], values: number[]): Tensor => {
  return { name, datatype: 'FP32', shape, data: new Uint8Array(Float32Array.from(values).buffer) };
};
async function addOne(): Promise<number[]> {
  const { answers } = (await infer('add', addOneModel(), [floats('x', [1, 3], [1, 2, 3])])) as {
    answers: ItemAnswer[];
  };
  const [answer] = answers;
  assert.ok(answer && 'headerLength' in answer, JSON.stringify(answer));
  const { outputs } = decodeInferResponse(answer.body, answer.headerLength);
  return [...new Float32Array(new Uint8Array(outputs[0]?.data ?? []).buffer)];
}

test('the infer function runs a model from S3, and a model that never ends costs one process', async () => {
  assert.deepEqual(await addOne(), [2, 3, 4]);
  const first = lambda.pid();
  const n: Tensor = {
    name: 'n',
    datatype: 'INT64',
    shape: [],
    data: new Uint8Array(BigInt64Array.of(2n ** 62n).buffer),
  };
  const never = await infer('loop', loopModel(), [floats('x', [1], [0]), n]);
  assert.partialDeepStrictEqual(never, { errorType: 'Sandbox.Timedout' });
  assert.deepEqual(await addOne(), [2, 3, 4]);
  assert.notEqual(lambda.pid(), first);
});
