import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferAnswer } from '../../../functions/host/infer-event.ts';
import { parseInferAnswer, renderInferAnswer, renderInferEvent } from '../../../functions/host/infer-payload.ts';
import { countRequestBytes, encodeInferRequest } from '../../../functions/inference/binary-tensor.ts';
import type { InferRequest } from '../../../functions/inference/protocol.ts';
import { createTensor } from '../../../functions/inference/tensor.ts';
import { modelManifestSchema } from '../../../functions/registry/model-manifest.ts';

const timings = { queueNs: 1, computeNs: 2, batchSize: 3 };

test('an event is the JSON that Lambda parses', () => {
  const manifest = modelManifestSchema.parse({ name: 'm', version: '1', files: {}, license: 'Straße "1"' });
  const requests = [3, 100_001].map((length, index) => {
    const request: InferRequest = {
      inputs: [createTensor('x', 'UINT8', [length], new Uint8Array(length).fill(7))],
    };
    return { request, bytes: countRequestBytes(request), deadline: Date.now() + index };
  });
  assert.deepEqual(JSON.parse(renderInferEvent(manifest, requests).toString()), {
    operation: 'infer',
    manifest: JSON.parse(JSON.stringify(manifest)),
    requests: requests.map(({ request, bytes, deadline }) => {
      const { headerLength, body } = encodeInferRequest(request);
      assert.equal(body.length, bytes);
      return { deadline, headerLength, body: body.toString('base64').match(/.{1,65536}/g) };
    }),
  });
});

test('answers of every kind come back as they were, their tensors at multiples of 8', () => {
  const error = { code: 'model_failed', message: 'a\n"body":"7" in Übergröße' } as const;
  const body = (...bytes: number[]) => ({ headerLength: 8, timings, body: Buffer.from(bytes) });
  const answers: InferAnswer[] = [
    { answers: [body(1, 2, 10), { again: true }, { error }, body(), body(4, 5, 6, 7, 8, 9, 10, 11)] },
    { answers: [] },
    { error },
    { unloaded: true },
    { inputs: [{ name: 'body\n', datatype: 'FP32', shape: [-1] }], outputs: [] },
  ];
  for (const answer of answers) {
    const payload = renderInferAnswer(answer);
    const parsed = parseInferAnswer(payload);
    assert.deepEqual(parsed, answer);
    for (const one of 'answers' in parsed ? parsed.answers : []) {
      if ('body' in one) assert.equal((one.body.byteOffset - payload.byteOffset) % 8, 0);
    }
  }
});

test('an answer that is cut, or of another form, is a SyntaxError', () => {
  const whole = renderInferAnswer({ answers: [{ headerLength: 8, timings, body: Buffer.alloc(8, 1) }] });
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => parseInferAnswer(whole.subarray(0, length)), SyntaxError);
  }
  for (const body of ['e30=', -1, 0.5, {}]) {
    const payload = Buffer.from(
      `${JSON.stringify({ answers: [{ headerLength: 8, timings, body }] })}\n${' '.repeat(64)}`,
    );
    assert.throws(() => parseInferAnswer(payload), SyntaxError, String(body));
  }
});
