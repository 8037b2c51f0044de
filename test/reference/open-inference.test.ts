import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { ServiceError } from '../../functions/errors.ts';
import { openInferenceRoutes } from '../../functions/http/open-inference.ts';
import { parseInferRequest } from '../../functions/inference/parse-infer.ts';
import type { InferRequest } from '../../functions/inference/protocol.ts';
import { createTensor } from '../../functions/inference/tensor.ts';
import { modelVersionSchema } from '../../functions/registry/model-manifest.ts';
import type { Services } from '../../functions/services.ts';

/** MLServer's published fixtures and its description of the protocol. */
const folder = '../shared/data/oip/mlserver';
const skip = existsSync(folder) ? false : `${folder} is not there`;
const read = (name: string) => readFileSync(`${folder}/${name}`, 'utf8');

function parse(text: string): InferRequest {
  return parseInferRequest(Buffer.from(text), new Uint8Array(0));
}

const accepted = [
  'inference-request.json',
  'inference-request-with-output.json',
  'generate-request.json',
  'batch_processing/single.txt',
  'batch_processing/single_with_id.txt',
  'batch_processing/bytes.txt',
];

for (const name of accepted) {
  test(`MLServer's ${name} is accepted`, { skip }, () => {
    const given = JSON.parse(read(`testdata/${name}`));
    const request = parse(read(`testdata/${name}`));
    const declared = ({ name, shape, datatype }: InferRequest['inputs'][0]) => ({ name, shape, datatype });
    assert.deepEqual(request.inputs.map(declared), given.inputs.map(declared));
    assert.equal(request.id, given.id);
    assert.deepEqual(request.outputs, given.outputs);
  });
}

for (const name of ['inference-request-invalid-datatype.json', 'batch_processing/invalid.txt']) {
  test(`MLServer's ${name} is refused for its datatype`, { skip }, () => {
    assert.throws(() => parse(read(`testdata/${name}`)), { code: 'invalid_request', message: /datatype/ });
  });
}

for (const [name, refused] of [
  ['many', []],
  ['invalid_among_many', [2]],
] as const) {
  test(`of MLServer's ${name}.txt the requests that name no datatype are refused`, { skip }, () => {
    const lines = read(`testdata/batch_processing/${name}.txt`).trim().split('\n');
    const failed = lines.flatMap<number | string>((line, index) => {
      try {
        parse(line);
        return [];
      } catch (error) {
        return error instanceof ServiceError && error.code === 'invalid_request' ? [index] : ['?'];
      }
    });
    assert.deepEqual(failed, refused);
  });
}

const tensors = [
  { name: 'input-0', datatype: 'FP32' as const, shape: [-1, 3] },
  { name: 'input-1', datatype: 'BYTES' as const, shape: [1] },
];
const model = {
  ...modelVersionSchema.parse({
    manifest: { name: 'sum', version: '1', files: {} },
    status: 'READY',
    inputs: [],
    outputs: tensors,
    registeredAt: '2026-11-23T00:00:00Z',
  }),
  assets: {},
};
const services = {
  readModelEntry: async () => ({ name: 'sum', aliases: { production: '1' }, versions: ['1'], revision: 1 }),
  readModel: async () => model,
  infer: async () => ({
    response: {
      model_name: 'sum',
      model_version: '1',
      outputs: [createTensor('output-0', 'FP32', [1], Float32Array.of(21))],
    },
  }),
} as unknown as Services;

const answers: [schema: string, method: string, path: string, body?: string][] = [
  ['MetadataServerResponse', 'GET', '/v2'],
  ['MetadataModelResponse', 'GET', '/v2/models/{model}'],
  ['InferenceResponse', 'POST', '/v2/models/{model}/infer', '{"id":"1","parameters":{"a":1},"inputs":[]}'],
];

for (const [name, method, path, body = ''] of answers) {
  test(`the answer of ${method} ${path} is a ${name} of MLServer's description`, { skip }, async () => {
    const route = openInferenceRoutes.find((each) => each.method === method && each.path === path);
    const request = { method, path, query: {}, headers: {}, requestId: 'r', deadline: Date.now() + 1000 };
    const parameters = { model: 'sum' };
    const response = await route!.handle({ ...request, parameters, body: Buffer.from(body) }, services);
    const answer = typeof response.body === 'string' ? JSON.parse(response.body) : response.body;
    const validate = readSchema(name);
    assert.ok(validate(answer), JSON.stringify(validate.errors));
    assert.equal(validate({}), false);
  });
}

function readSchema(name: string) {
  const description = JSON.parse(read('dataplane.json'));
  // Its "bytes" is no JSON Schema type; in JSON data is an array.
  description.components.schemas.TensorData = { type: 'array' };
  const ajv = new Ajv({ strict: false });
  ajv.addSchema({ $id: 'dataplane', components: description.components });
  return ajv.compile({ $ref: `dataplane#/components/schemas/${name}` });
}
