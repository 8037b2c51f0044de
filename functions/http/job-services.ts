import { randomUUID } from 'node:crypto';
import { ServiceError } from '../errors.ts';
import type { Planning } from '../jobs/plan-job.ts';
import type { Running } from '../jobs/run-chunk.ts';
import type { Services } from '../services.ts';
import { findModel } from './find-model.ts';
import type { HttpRequest, Route } from './http.ts';
import { modelRoutes } from './models.ts';
import { openaiChatRoutes } from './openai-chat.ts';
import { openaiCompletionRoutes } from './openai-completions.ts';
import { openaiEmbeddingRoutes } from './openai-embeddings.ts';
import { completeInputs } from './text-generation.ts';

/** What a job may ask line by line: the body of a line is the body of a request to the path. */
const endpoints: readonly Route[] = [
  ...openaiChatRoutes,
  ...openaiCompletionRoutes,
  ...openaiEmbeddingRoutes,
  ...modelRoutes.filter(({ method }) => method === 'POST'),
];

/** What jobs need of the way of an HTTPS request. */
export function jobServices(
  services: Services,
): Pick<Planning, 'findModel' | 'checkEndpoint'> & Pick<Running, 'answerEndpoint' | 'continueText'> {
  return {
    findModel: (reference, version) => findModel(reference, version, services),
    checkEndpoint: (endpoint) => void findRoute(endpoint),
    async answerEndpoint(endpoint, body, deadline) {
      if (Object(body).stream === true) {
        throw new ServiceError('invalid_request', 'stream is true; the answers of a job come whole');
      }
      const { route, parameters } = findRoute(endpoint);
      const request = createRequest({ path: endpoint, parameters, body, deadline });
      const answer = await route.handle(request, services);
      return { status_code: answer.status, request_id: request.requestId, body: answer.body };
    },
    async continueText(model, input, deadline) {
      const request = createRequest({
        ...{ path: `/models/${model.manifest.name}`, parameters: {} },
        ...{ body: input, deadline },
      });
      return (await completeInputs(request, model, services)).body;
    },
  };
}

function createRequest({
  body,
  ...asked
}: Pick<HttpRequest, 'path' | 'parameters' | 'deadline'> & { body: unknown }): HttpRequest {
  return {
    ...{ method: 'POST', ...asked, query: {}, requestId: randomUUID() },
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
  };
}

function findRoute(endpoint: string): { route: Route; parameters: Record<string, string> } {
  for (const route of endpoints) {
    const [before = '', after] = route.path.split('{model}');
    if (after === undefined && endpoint === before) return { route, parameters: {} };
    if (after === undefined || !endpoint.startsWith(before) || !endpoint.endsWith(after)) continue;
    const model = endpoint.slice(before.length, endpoint.length - after.length);
    if (/^[^/]+$/.test(model)) return { route, parameters: { model: decodeURIComponent(model) } };
  }
  const known = endpoints.map(({ path }) => path).join(', ');
  throw new ServiceError('invalid_request', `endpoint is '${endpoint.slice(0, 100)}'; jobs ask ${known}`);
}
