import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createSageMakerHost } from '../../../functions/aws/infer-on-sagemaker.ts';
import { readConfig } from '../../../functions/config.ts';
import { decodeInferRequest, encodeInferResponse } from '../../../functions/inference/binary-tensor.ts';
import { createBytesTensor, createTensor } from '../../../functions/inference/tensor.ts';
import { modelVersionSchema } from '../../../functions/registry/model-manifest.ts';
import { type AwsAnswer, awsError, startAwsServer } from '../../aws-server.ts';

const aws = await startAwsServer('SAGEMAKER_RUNTIME');
after(() => aws.close());

const environment = { TABLE_NAME: 'table', ARTIFACTS_BUCKET: 'artifacts', DATA_BUCKET: 'data-sets' };
const config = readConfig({ ...environment, SAGEMAKER_ENDPOINT_NAME: 'gpu', SAGEMAKER_MAX_BYTES: '1000' });
const host = createSageMakerHost(config);
const model = modelVersionSchema.parse({
  manifest: { name: 'digits', version: '3', host: 'sagemaker', files: {} },
  inputs: [],
  outputs: [],
});
const tensor = (name: string, ...values: number[]) =>
  createTensor(name, 'FP32', [values.length], new Float32Array(values));
const ask = (deadline = Date.now() + 20_000) => host.infer(model, { id: '7', inputs: [tensor('x', 1, 2)] }, deadline);

function answer(): AwsAnswer {
  const response = { model_name: '2f1b', model_version: '1', id: '7', outputs: [tensor('y', 3, 4)] };
  const { headerLength, body } = encodeInferResponse(response);
  const type = `application/vnd.sagemaker-triton.binary+json;json-header-size=${headerLength}`;
  return { status: 200, headers: { 'content-type': type }, body };
}

test('a request reaches Triton in its binary form under the name of its archive, and its answer comes back', async () => {
  aws.answer(answer());
  const { response } = await ask();
  const { outputs, ...rest } = response;
  assert.deepEqual(rest, { model_name: 'digits', model_version: '3', id: '7' });
  assert.deepEqual([...new Float32Array(new Uint8Array(outputs[0]!.data).buffer)], [3, 4]);

  const [{ path, headers, body }] = aws.requests as [(typeof aws.requests)[0]];
  assert.equal(path, '/endpoints/gpu/invocations');
  assert.equal(headers['x-amzn-sagemaker-target-model'], 'digits-3.tar.gz');
  const size = /^application\/vnd\.sagemaker-triton\.binary\+json;json-header-size=(\d+)$/.exec(
    headers['content-type']!,
  );
  const sent = decodeInferRequest(body, Number(size?.[1]));
  assert.equal(sent.id, '7');
  assert.deepEqual(new Uint8Array(sent.inputs[0]!.data), new Uint8Array(tensor('x', 1, 2).data));
});

test('text with NUL, which Triton would cut, is refused before it is sent', async () => {
  const sent = aws.requests.length;
  const inputs = [createBytesTensor('x', [1], ['a\0b'])];
  await assert.rejects(host.infer(model, { inputs }, Date.now() + 20_000), {
    code: 'model_rejected_input',
    message: /^input 'x' holds a NUL byte, where Triton's ONNX backend would cut the text; the CPU host takes it/,
  });
  assert.equal(aws.requests.length, sent);
});

const modelError = (status: number, message: string) =>
  awsError(424, 'ModelError', {
    Message: 'x',
    OriginalStatusCode: status,
    OriginalMessage: message,
    LogStreamArn: 'arn',
  });

const refusal =
  '{"error":"[request id: 7] unexpected shape for input \'x\' for model \'digits\'. Expected [1], got [2]"}';
const failures: [string, AwsAnswer, object, number][] = [
  [
    'ModelError 424 with 400 is model_rejected_input with what Triton says, and is not repeated',
    modelError(400, refusal),
    { code: 'model_rejected_input', message: /^the model refused: unexpected shape for input 'x'.*got \[2\]$/ },
    1,
  ],
  [
    'ModelError 424 with 500 is model_failed, once',
    modelError(500, 'boom'),
    { code: 'model_failed', message: /\(500\): boom$/ },
    1,
  ],
  [
    'ModelError 424 with 0 is deadline_exceeded where SageMaker waited in vain, once',
    modelError(0, 'Your invocation timed out while waiting for a response from container model.'),
    { code: 'deadline_exceeded' },
    1,
  ],
  [
    'ModelError 424 with 0 is payload_too_large where the answer is, once',
    modelError(0, 'the response has 7000000 bytes; 6291456 are allowed'),
    { code: 'payload_too_large', message: /ask for fewer outputs or rows$/ },
    1,
  ],
  ['ModelError 424 with 0 is model_failed else, once', modelError(0, 'x'), { code: 'model_failed' }, 1],
  ['ModelError 424 with 507 is model_not_ready', modelError(507, 'no memory'), { code: 'model_not_ready' }, 3],
  ['ModelNotReady 429 is model_not_ready', awsError(429, 'ModelNotReadyException'), { code: 'model_not_ready' }, 3],
  ['throttling is throttled', awsError(400, 'ThrottlingException'), { code: 'throttled', retryAfterSeconds: 1 }, 3],
  ['503 is host_unavailable', awsError(503, 'ServiceUnavailable'), { code: 'host_unavailable' }, 3],
  ['530 is host_unavailable', awsError(530, 'InternalDependencyException'), { code: 'host_unavailable' }, 3],
  ['a reset is host_unavailable', 'reset', { code: 'host_unavailable', message: /ECONNRESET/ }, 3],
  ['an answer that is cut is host_unavailable', 'cut', { code: 'host_unavailable' }, 3],
  [
    'a refused call is internal, once',
    awsError(403, 'AccessDeniedException', { Message: 'arn:aws:x' }),
    { code: 'internal', message: /^(?!.*arn)/ },
    1,
  ],
  [
    'an answer that is no tensor is model_failed',
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<p>' },
    { code: 'model_failed', message: /answered 'text\/html'/ },
    1,
  ],
];

for (const [sentence, failure, expected, attempts] of failures) {
  test(sentence, async () => {
    aws.answer(failure);
    await assert.rejects(ask(), expected);
    assert.equal(aws.requests.length, attempts);
  });
}

test('what fails for a moment succeeds in the next attempt', async () => {
  aws.answer('reset', awsError(429, 'ModelNotReadyException'), answer());
  assert.equal((await ask()).response.outputs[0]!.name, 'y');
  assert.equal(aws.requests.length, 3);
});

test('silence ends at the deadline, in one attempt', async () => {
  aws.answer('silence');
  await assert.rejects(ask(Date.now() + 300), { code: 'deadline_exceeded' });
  assert.equal(aws.requests.length, 1);
});

test('a request that is too large, or for no endpoint, is refused before it is sent', async () => {
  aws.answer(answer());
  const large = { inputs: [tensor('x', ...new Array<number>(300).fill(0))] };
  await assert.rejects(host.infer(model, large, Date.now() + 5000), {
    code: 'payload_too_large',
    message: /takes 1000/,
  });
  const none = createSageMakerHost(readConfig(environment));
  await assert.rejects(none.infer(model, large, Date.now() + 5000), {
    code: 'host_unavailable',
    message: /no SageMaker/,
  });
  assert.equal(aws.requests.length, 0);
});

test('a scalar, and a batch of them, travel in the shapes that Triton knows and come back in those of the graph', async () => {
  const declare = (name: string, shape: number[]) => ({ name, datatype: 'FP32' as const, shape });
  const versions = [
    { maxBatchSize: 0, declared: [], ours: [], tritons: [1], values: [5] },
    { maxBatchSize: 4, declared: [-1], ours: [2], tritons: [2, 1], values: [5, 6] },
  ];
  for (const { maxBatchSize, declared, ours, tritons, values } of versions) {
    const manifest = { ...model.manifest, maxBatchSize };
    const version = { manifest, inputs: [declare('x', declared)], outputs: [declare('y', declared)] };
    const { data } = tensor('y', ...values);
    const body = encodeInferResponse({
      model_name: '',
      model_version: '1',
      outputs: [{ ...declare('y', tritons), data }],
    });
    const type = `application/vnd.sagemaker-triton.binary+json;json-header-size=${body.headerLength}`;
    aws.answer({ status: 200, headers: { 'content-type': type }, body: body.body });
    const inputs = [{ ...declare('x', ours), data }];
    const { response } = await host.infer(version, { inputs }, Date.now() + 20_000);
    assert.deepEqual(response.outputs[0]?.shape, ours);
    const sent = aws.requests.at(-1)!;
    const size = Number(/=(\d+)$/.exec(sent.headers['content-type']!)?.[1]);
    assert.deepEqual(decodeInferRequest(sent.body, size).inputs[0]?.shape, tritons);
  }
});
