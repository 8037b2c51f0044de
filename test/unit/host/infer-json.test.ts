import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferAnswer } from '../../../functions/host/infer-event.ts';
import { parseInferAnswer, renderInferAnswer, renderInferEvent } from '../../../functions/host/infer-json.ts';
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

test('answers of every kind come back as they were, whatever an error says', () => {
  const error = { code: 'model_failed', message: 'a "body":"YQ==" in Übergröße, \\"body":"' } as const;
  const body = (text: string) => ({ headerLength: 8, timings, body: Buffer.from(text) });
  const answers: InferAnswer[] = [
    { answers: [body('YQ=='), { again: true }, { error }, body(''), body('0')] },
    { answers: [] },
    { error },
    { unloaded: true },
    { inputs: [{ name: '"body":"', datatype: 'FP32', shape: [-1] }], outputs: [] },
  ];
  for (const answer of answers) assert.deepEqual(parseInferAnswer(renderInferAnswer(answer)), answer);
});

test('what is no JSON is a SyntaxError', () => {
  for (const text of ['', '{"answers":[{"body":"YQ', 'null{']) {
    assert.throws(() => parseInferAnswer(Buffer.from(text)), SyntaxError);
  }
});
