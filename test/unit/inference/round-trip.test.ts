import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeInferRequest,
  decodeInferResponse,
  encodeInferRequest,
  encodeInferResponse,
} from '../../../functions/inference/binary-tensor.ts';
import { parseInferRequest } from '../../../functions/inference/parse-infer.ts';
import type { Tensor } from '../../../functions/inference/protocol.ts';
import { renderJsonTensor } from '../../../functions/inference/render-json-tensor.ts';
import { elementsOf, numbersOf } from '../../../functions/inference/tensor.ts';
import { datatypes, plain, tensorOf } from './tensors.ts';

const seed = 20_261_123;
const anyTensor = fc.oneof(...datatypes.map(tensorOf));
const tensors = fc.uniqueArray(anyTensor, { selector: ({ name }) => name, maxLength: 4 });

test('a request of any tensors is what it was after the binary form', () => {
  const requests = fc.record(
    {
      id: fc.string(),
      parameters: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.boolean(), fc.integer())),
      inputs: tensors,
    },
    { requiredKeys: ['inputs'], noNullPrototype: true },
  );
  fc.assert(
    fc.property(requests, (request) => {
      const { body, headerLength } = encodeInferRequest(request);
      const decoded = decodeInferRequest(body, headerLength);
      const parameters = { ...request.parameters, binary_data_output: true };
      assert.deepEqual(
        { ...decoded, inputs: plain(decoded.inputs) },
        { ...request, parameters, inputs: plain(request.inputs) },
      );
    }),
    { seed, numRuns: 60 },
  );
});

test('a response of any tensors is what it was after the binary form', () => {
  fc.assert(
    fc.property(tensors, (outputs) => {
      const response = { model_name: 'm', model_version: '1', outputs };
      const { body, headerLength } = encodeInferResponse(response);
      const decoded = decodeInferResponse(body, headerLength);
      assert.deepEqual({ ...decoded, outputs: plain(decoded.outputs) }, { ...response, outputs: plain(outputs) });
    }),
    { seed, numRuns: 60 },
  );
});

for (const datatype of datatypes.filter((each) => each !== 'BF16')) {
  test(`a ${datatype} tensor of finite numbers and any shape is what it was after JSON`, () => {
    fc.assert(
      fc.property(tensorOf(datatype).filter(hasFiniteNumbers), (tensor) => {
        const json = Buffer.from(`{"inputs":[${renderJsonTensor(tensor)}]}`);
        assert.deepEqual(plain(parseInferRequest(json, new Uint8Array(0)).inputs), plain([tensor]));
        JSON.parse(json.toString());
      }),
      { seed, numRuns: 200 },
    );
  });
}

function hasFiniteNumbers(tensor: Tensor): boolean {
  if (tensor.datatype === 'BYTES') return true;
  const numbers = numbersOf({ ...tensor, datatype: tensor.datatype });
  return (numbers as Float32Array).every((number) => typeof number === 'bigint' || Number.isFinite(number));
}

test('all 65,536 half-precision numbers are decoded as JavaScript does', () => {
  const bits = Uint16Array.from({ length: 65_536 }, (_, index) => index);
  const tensor = { name: 'x', datatype: 'FP16' as const, shape: [65_536], data: new Uint8Array(bits.buffer) };
  assert.deepEqual(Array.from<unknown>(numbersOf(tensor)), Array.from(new Float16Array(bits.buffer)));
  assert.equal(elementsOf(tensor).buffer, bits.buffer);
});

test('elements that lie unaligned in a Buffer are read all the same', () => {
  const memory = Buffer.alloc(9);
  memory.writeFloatLE(1.5, 1);
  memory.writeFloatLE(-2, 5);
  const tensor = { name: 'x', datatype: 'FP32' as const, shape: [2], data: memory.subarray(1) };
  assert.deepEqual([...elementsOf(tensor)], [1.5, -2]);
  assert.equal(renderJsonTensor(tensor), '{"name":"x","datatype":"FP32","shape":[2],"data":[1.5,-2]}');
});
