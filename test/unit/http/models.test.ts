import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { HttpRequest, HttpResponse } from '../../../functions/http/http.ts';
import { modelRoutes } from '../../../functions/http/models.ts';
import type { InferRequest } from '../../../functions/inference/protocol.ts';
import type { PublishedPreprocessing } from '../../../functions/media/client-pixels.ts';
import { toClientPixels } from '../../../functions/media/client-pixels.ts';
import { decodeImage } from '../../../functions/media/image.ts';
import type { Services } from '../../../functions/services.ts';
import { onnxModel } from '../../onnx-model.ts';
import { formulaPicture, writePng } from '../../pictures.ts';
import { pixelValues, startModels } from '../../task-model.ts';

const models = startModels();
after(() => models.close());

const same = await models.open({
  task: 'image-to-image',
  graph: onnxModel({
    nodes: [{ op: 'Identity', inputs: ['pixel_values'], outputs: ['made'] }],
    inputs: [pixelValues(4)],
    outputs: [{ ...pixelValues(4), name: 'made' }],
  }),
  manifest: { preprocessing: { size: { height: 4, width: 4 } } },
});
const services = {
  readModelEntry: async () => ({ name: 'm', aliases: { production: '1' }, versions: ['1'], revision: 1 }),
  readModel: async () => same.model,
  infer: async (_model: unknown, request: InferRequest) => ({ response: await same.infer(request) }),
} as unknown as Services;

function call(method: 'GET' | 'POST', body: Buffer, headers: Record<string, string>): Promise<HttpResponse> {
  const route = modelRoutes.find((one) => one.method === method && one.path === '/models/{model}');
  const request = {
    parameters: { model: 'm' },
    query: {},
    headers,
    body,
    requestId: 'r',
    deadline: Date.now() + 30_000,
  };
  return route!.handle({ ...request, method, path: '/models/m' } as HttpRequest, services);
}

const { data } = formulaPicture(4, 4, 3);
const rows = Array.from({ length: 4 }, (_, y) => new Uint8Array(data.subarray(y * 12, y * 12 + 12)));
const png = writePng({ width: 4, height: 4, bits: 8, colourType: 2 }, rows);

test('a picture that a network makes is answered as a PNG file', async () => {
  const { status, headers, body } = await call('POST', png, { 'content-type': 'image/png' });
  assert.deepEqual([status, headers!['content-type']], [200, 'image/png']);
  assert.deepEqual(new Uint8Array((await decodeImage(body as Uint8Array)).data), data);
  // As results of a batch and golden cases hold it.
  assert.equal(JSON.parse(JSON.stringify(body)), Buffer.from(body as Uint8Array).toString('base64'));
});

test('a client prepares pixels by what the model publishes; by what another one published they are refused', async () => {
  const { body } = await call('GET', Buffer.alloc(0), {});
  const { preprocessing } = body as { preprocessing: PublishedPreprocessing };
  assert.deepEqual(
    { ...preprocessing, sha256: '' },
    { sha256: '', config: { size: { height: 4, width: 4 } }, input_size: { height: 4, width: 4 } },
  );
  const rgba = Uint8Array.from({ length: 64 }, (_, i) => (i % 4 === 3 ? 255 : data[(i >> 2) * 3 + (i % 4)]!));
  const inputs = toClientPixels({ width: 4, height: 4, data: rgba }, preprocessing);
  const json = { 'content-type': 'application/json' };
  const answer = await call('POST', Buffer.from(JSON.stringify({ inputs })), json);
  assert.deepEqual(new Uint8Array((await decodeImage(answer.body as Uint8Array)).data), data);
  const stale = { inputs: { ...inputs, preprocessing: '0'.repeat(64) } };
  const refused = call('POST', Buffer.from(JSON.stringify(stale)), json);
  await assert.rejects(refused, { code: 'invalid_request', status: 400, message: /prepare the pixels anew/ });
  const narrow = call('POST', Buffer.from(JSON.stringify({ inputs: { ...inputs, width: 3 } })), json);
  await assert.rejects(narrow, { code: 'invalid_request', message: /4×4 pixels of 3 bytes are needed/ });
});

test('a parameter that the task has not is the caller’s error', async () => {
  const body = Buffer.from(JSON.stringify({ inputs: png.toString('base64'), parameters: { prompt: 'a cat' } }));
  const refused = call('POST', body, { 'content-type': 'application/json' });
  await assert.rejects(refused, { code: 'invalid_request', message: /unknown field 'prompt'/ });
});
