import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createLambdaHost } from '../../../functions/aws/infer-on-lambda.ts';
import { readConfig } from '../../../functions/config.ts';
import type { InferEvent, ItemAnswer } from '../../../functions/host/infer-event.ts';
import { renderInferAnswer } from '../../../functions/host/infer-payload.ts';
import { joinBase64 } from '../../../functions/inference/base64.ts';
import { decodeInferRequest, encodeInferResponse } from '../../../functions/inference/binary-tensor.ts';
import type { Tensor } from '../../../functions/inference/protocol.ts';
import { createTensor } from '../../../functions/inference/tensor.ts';
import { modelVersionSchema } from '../../../functions/registry/model-manifest.ts';
import { type AwsAnswer, awsError, startAwsServer } from '../../aws-server.ts';

const aws = await startAwsServer('LAMBDA');
after(() => aws.close());

const environment = { TABLE_NAME: 'table', ARTIFACTS_BUCKET: 'artifacts', DATA_BUCKET: 'data-sets' };
const host = createLambdaHost(readConfig({ ...environment, INFER_FUNCTION_NAME: 'infer' }));
const golden = [{ input: 'a long picture', output: [], tolerance: 1 }];
const model = modelVersionSchema.parse({
  manifest: { name: 'digits', version: '3', files: {}, labels: ['0', '1'], golden },
  inputs: [],
  outputs: [],
});
const tensor = (name: string, ...values: number[]) =>
  createTensor(name, 'FP32', [values.length], new Float32Array(values));
const ask = (deadline = Date.now() + 20_000) => host.infer(model, { inputs: [tensor('x', 1, 2)] }, deadline);
const functionError = (errorType: string, errorMessage: string): AwsAnswer => ({
  status: 200,
  headers: { 'x-amz-function-error': 'Unhandled' },
  body: { errorType, errorMessage },
});

const itemAnswer = (...values: number[]) => answerWith(tensor('y', ...values));

function answerWith(output: Tensor) {
  const response = { model_name: 'digits', model_version: '3', outputs: [output] };
  return { ...encodeInferResponse(response), timings: { queueNs: 1, computeNs: 2, batchSize: 1 } };
}

const answers = (...items: ItemAnswer[]): AwsAnswer => ({ status: 200, body: renderInferAnswer({ answers: items }) });
const answer = () => answers(itemAnswer(3, 4));

test('a request reaches the infer function with its model, deadline and tensors, and its answer comes back', async () => {
  aws.answer(answer());
  const deadline = Date.now() + 20_000;
  const { response, timings } = await ask(deadline);
  assert.deepEqual(timings, { queueNs: 1, computeNs: 2, batchSize: 1 });
  assert.deepEqual([...new Float32Array(new Uint8Array(response.outputs[0]!.data).buffer)], [3, 4]);

  assert.equal(aws.requests[0]!.path, '/2015-03-31/functions/infer/invocations');
  const event = JSON.parse(aws.requests[0]!.body.toString()) as InferEvent & { operation: 'infer' };
  const { body, headerLength, ...rest } = event.requests[0]!;
  const { labels, ...manifest } = model.manifest;
  assert.deepEqual(
    { ...event, requests: [rest] },
    {
      operation: 'infer',
      manifest: { ...manifest, golden: [] },
      requests: [{ deadline }],
    },
  );
  const sent = decodeInferRequest(joinBase64(body), headerLength);
  assert.deepEqual(new Uint8Array(sent.inputs[0]!.data), new Uint8Array(tensor('x', 1, 2).data));
});

test('requests that come together travel together, and each gets its own answer', async () => {
  const together: ItemAnswer[] = [itemAnswer(1), { again: true }, { error: noRow }, itemAnswer(3), itemAnswer(4)];
  const calls = [together, [itemAnswer(2)]];
  aws.answer(...calls.map((items) => answers(...items)));
  const results = await Promise.allSettled([ask(), ask(), ask(), ask(), ask()]);
  const events = aws.requests.map(({ body }) => JSON.parse(body.toString()) as { requests: object[] });
  assert.deepEqual(
    events.map(({ requests }) => requests.length),
    [5, 1],
  );
  const seen = results.map((result) =>
    result.status === 'rejected'
      ? result.reason.code
      : new Float32Array(new Uint8Array(result.value.response.outputs[0]!.data).buffer)[0],
  );
  assert.deepEqual(seen, [1, 2, 'model_rejected_input', 3, 4]);
});

test('a call takes no more requests than there is room for their answers, if they are as long as the last ones', async () => {
  const long = answerWith(createTensor('y', 'UINT8', [2_700_000], new Uint8Array(2_700_000)));
  const calls = [[long], [long, long], [long, long], [itemAnswer(1)], [itemAnswer(1), itemAnswer(1)]];
  aws.answer(...calls.map((items) => answers(...items)));
  await ask();
  await Promise.all([ask(), ask(), ask(), ask()]);
  await ask();
  await Promise.all([ask(), ask()]);
  const events = aws.requests.map(({ body }) => JSON.parse(body.toString()) as { requests: object[] });
  assert.deepEqual(
    events.map(({ requests }) => requests.length),
    [1, 2, 2, 1, 2],
  );
});

test('a request whose time is over does not wait for others of its call that have more', async () => {
  aws.answer('silence');
  const deadline = Date.now() + 400;
  const patient = Promise.allSettled([ask(deadline), ask(deadline)]);
  await assert.rejects(ask(Date.now() + 50), { code: 'deadline_exceeded' });
  assert.ok(Date.now() < deadline);
  await patient;
});

test('the tensors of a graph are asked of the function too', async () => {
  const described = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1] }], outputs: [] };
  aws.answer({ status: 200, body: described });
  assert.deepEqual(await host.describe(model.manifest, Date.now() + 20_000), described);
});

const noRow = { code: 'model_rejected_input', message: 'no such row' } as const;

const failures: [string, AwsAnswer, object, number][] = [
  [
    'an error that the host answers is passed on, once',
    { status: 200, body: { error: { code: 'model_rejected_input', message: 'no', retryAfterSeconds: 2 } } },
    { code: 'model_rejected_input', message: 'no', retryAfterSeconds: 2 },
    1,
  ],
  [
    'a function out of time is deadline_exceeded',
    functionError('Sandbox.Timedout', 'Task timed out after 60.00 seconds'),
    { code: 'deadline_exceeded' },
    1,
  ],
  [
    'a function that ended is host_unavailable',
    functionError('Runtime.ExitError', 'signal: killed'),
    { code: 'host_unavailable', message: /out of memory/ },
    1,
  ],
  [
    'a function that threw is host_unavailable',
    functionError('TypeError', 'secret'),
    { code: 'host_unavailable', message: /^(?!.*secret)/ },
    1,
  ],
  [
    'an answer of another version is host_unavailable',
    { status: 200, body: { answers: [{ headerLength: 8, body: 'e30=' }] } },
    { code: 'host_unavailable', message: /repeat the request/ },
    1,
  ],
  [
    'an answer above the limit of Lambda is payload_too_large',
    functionError('Function.ResponseSizeTooLarge', ''),
    { code: 'payload_too_large', message: /6291456/ },
    1,
  ],
  ['throttling is throttled', awsError(429, 'TooManyRequestsException'), { code: 'throttled' }, 3],
  ['503 is host_unavailable', awsError(503, 'ServiceUnavailableException'), { code: 'host_unavailable' }, 3],
  ['a reset is host_unavailable', 'reset', { code: 'host_unavailable', message: /ECONNRESET/ }, 3],
  [
    'a missing function is internal, once',
    awsError(404, 'ResourceNotFoundException', { Message: 'arn:aws:x' }),
    { code: 'internal', message: /^(?!.*arn)/ },
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

test('silence ends at the deadline, in one attempt', async () => {
  aws.answer('silence');
  await assert.rejects(ask(Date.now() + 300), { code: 'deadline_exceeded' });
  assert.equal(aws.requests.length, 1);
});

test('a request above the payload limit of Lambda is refused before it is sent, with the limit', async () => {
  aws.answer(answer());
  const large = { inputs: [createTensor('x', 'UINT8', [5_000_000], new Uint8Array(5_000_000))] };
  const refused = { code: 'payload_too_large', message: /the limit is 6291456 \(about 4\.7 MB of tensors\)/ };
  await assert.rejects(host.infer(model, large, Date.now() + 5000), refused);
  assert.equal(aws.requests.length, 0);
});
