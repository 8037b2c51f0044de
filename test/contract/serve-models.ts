import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InferenceClient } from '@huggingface/inference';
import type { HttpRequest } from '../../functions/http/http.ts';
import { modelRoutes } from '../../functions/http/models.ts';
import { toResponse } from '../../functions/http/to-response.ts';
import type { InferRequest } from '../../functions/inference/protocol.ts';
import type { Services } from '../../functions/services.ts';
import type { OpenModel } from '../task-model.ts';

/** Answers POST /models/{model} as the api function does, with models of these names; `client` is Hugging Face's. */
export async function serveModels(opened: Readonly<Record<string, OpenModel>>) {
  const server = createServer((request, response) => {
    const name = decodeURIComponent(request.url!.split('/').at(-1)!);
    const services = {
      readModelEntry: async () => ({ name, aliases: { production: '1' }, versions: ['1'], revision: 1 }),
      readModel: async () => opened[name]!.model,
      infer: async (_model: unknown, tensors: InferRequest) => ({ response: await opened[name]!.infer(tensors) }),
    } as unknown as Services;
    const route = modelRoutes.find(({ method, path }) => method === 'POST' && path === '/models/{model}')!;
    const answer = async () => {
      const body = Buffer.concat(await request.toArray());
      const asked = { parameters: { model: name }, headers: request.headers, body, deadline: Date.now() + 30_000 };
      return toResponse(await route.handle(asked as unknown as HttpRequest, services));
    };
    answer().then(
      ({ statusCode, headers, body }) => response.writeHead(statusCode, headers).end(body),
      (error: Error) => response.writeHead(400).end(JSON.stringify({ error: error.message })),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    client: (name: string) => new InferenceClient('key', { endpointUrl: `http://127.0.0.1:${port}/models/${name}` }),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
