import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { InferenceClient } from '@huggingface/inference';
import type { HttpRequest } from '../../functions/http/http.ts';
import { modelRoutes } from '../../functions/http/models.ts';
import { toResponse } from '../../functions/http/to-response.ts';
import type { InferRequest } from '../../functions/inference/protocol.ts';
import { decodeImage } from '../../functions/media/image.ts';
import type { Services } from '../../functions/services.ts';
import { onnxModel } from '../onnx-model.ts';
import { formulaPicture, writePng } from '../pictures.ts';
import { constantModel, type OpenModel, pixelValues, startModels } from '../task-model.ts';

const { data } = formulaPicture(4, 4, 3);
const rows = Array.from({ length: 4 }, (_, y) => new Uint8Array(data.subarray(y * 12, y * 12 + 12)));
const png = writePng({ width: 4, height: 4, bits: 8, colourType: 2 }, rows);
const picture = new Blob([new Uint8Array(png)], { type: 'image/png' });

const models = startModels();
const manifest = { labels: ['cat', 'dog'], preprocessing: { size: 4 } };
const same = onnxModel({
  nodes: [{ op: 'Identity', inputs: ['pixel_values'], outputs: ['made'] }],
  inputs: [pixelValues(4)],
  outputs: [{ ...pixelValues(4), name: 'made' }],
});
const boxes = constantModel([pixelValues(4)], {
  logits: { shape: [1, 1, 3], values: [9, 0, 0] },
  pred_boxes: { shape: [1, 1, 4], values: [0.5, 0.5, 0.5, 1] },
});
const halves = constantModel([pixelValues(4)], { logits: { shape: [1, 2, 1, 2], values: [9, 0, 0, 9] } });
const opened: Record<string, OpenModel> = {
  'image-to-image': await models.open({ task: 'image-to-image', graph: same, manifest }),
  'object-detection': await models.open({ task: 'object-detection', graph: boxes, manifest }),
  'image-segmentation': await models.open({ task: 'image-segmentation', graph: halves, manifest }),
};

/** Answers POST /models/{model} as the api function does. */
const server = createServer((request, response) => {
  const model = request.url!.split('/').at(-1)!;
  const services = {
    readModelEntry: async () => ({ name: model, aliases: { production: '1' }, versions: ['1'], revision: 1 }),
    readModel: async () => opened[model]!.model,
    infer: async (_model: unknown, tensors: InferRequest) => ({ response: await opened[model]!.infer(tensors) }),
  } as unknown as Services;
  const route = modelRoutes.find(({ method, path }) => method === 'POST' && path === '/models/{model}');
  void request.toArray().then(async (chunks) => {
    const body = Buffer.concat(chunks);
    const asked = { parameters: { model }, query: {}, headers: request.headers, body, deadline: Date.now() + 30_000 };
    const answer = toResponse(await route!.handle(asked as unknown as HttpRequest, services));
    response.writeHead(answer.statusCode, answer.headers);
    if (typeof answer.body === 'string' || answer.body instanceof Uint8Array) response.end(answer.body);
    else answer.body.pipe(response);
  });
});
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(async () => {
  server.close();
  server.closeAllConnections();
  await models.close();
});

function client(model: string) {
  const { port } = server.address() as AddressInfo;
  return new InferenceClient('key', { endpointUrl: `http://127.0.0.1:${port}/models/${model}` });
}

test('a picture that is made of another comes as a Blob', async () => {
  const made = await client('image-to-image').imageToImage({ inputs: picture });
  assert.equal(made.type, 'image/png');
  const decoded = await decodeImage(new Uint8Array(await made.arrayBuffer()));
  assert.deepEqual(new Uint8Array(decoded.data), data);
});

test('objects and where they are', async () => {
  const [object] = await client('object-detection').objectDetection({ inputs: picture });
  const box = { xmin: 1, ymin: 0, xmax: 3, ymax: 4 };
  assert.deepEqual({ ...object, score: 1 }, { label: 'cat', score: 1, box });
});

test('parts of a picture, asked for by a parameter', async () => {
  const parameters = { subtask: 'semantic' } as const;
  const parts = await client('image-segmentation').imageSegmentation({ inputs: picture, parameters });
  assert.deepEqual(
    parts.map(({ label }) => label),
    ['cat', 'dog'],
  );
  const mask = await decodeImage(new Uint8Array(Buffer.from(String(parts[0]!.mask), 'base64')));
  assert.deepEqual([...mask.data.subarray(0, 12)], [255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0]);
});
