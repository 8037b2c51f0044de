import { randomUUID } from 'node:crypto';
import { ServiceError } from '../errors.ts';
import type { Planning } from '../jobs/plan-job.ts';
import type { Running } from '../jobs/run-chunk.ts';
import { parseExactJson } from '../parse-exact-json.ts';
import type { Services } from '../services.ts';
import { findModel } from './find-model.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { modelRoutes } from './models.ts';
import { openInferenceRoutes } from './open-inference.ts';
import { openaiChatRoutes } from './openai-chat.ts';
import { openaiCompletionRoutes } from './openai-completions.ts';
import { openaiEmbeddingRoutes } from './openai-embeddings.ts';
import { openaiTranscriptionRoutes } from './openai-transcriptions.ts';
import { completeInputs } from './text-generation.ts';

/** What a job may ask line by line: the body of a line is the body of a request to the path. */
const endpoints: readonly Route[] = [
  ...openaiChatRoutes,
  ...openaiCompletionRoutes,
  ...openaiEmbeddingRoutes,
  ...[...modelRoutes, ...openInferenceRoutes].filter(({ method }) => method === 'POST'),
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
      return { status_code: answer.status, request_id: request.requestId, body: readAnswer(answer.body) };
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

/** As JSON: what is not cannot stand in a line. */
function readAnswer(body: HttpResponse['body']): unknown {
  if (typeof body === 'string') return parseExactJson(body);
  if (!(body instanceof Uint8Array)) return body;
  throw new ServiceError('invalid_request', 'outputs are asked for in binary; the answers of a job are JSON');
}

function findRoute(endpoint: string): { route: Route; parameters: Record<string, string> } {
  for (const route of endpoints) {
    const parameters = matchPath(route.path, endpoint);
    if (parameters) return { route, parameters };
  }
  const isForm = openaiTranscriptionRoutes.some(({ path }) => path === endpoint);
  const known = endpoints.map(({ path }) => path).join(', ');
  const instead = isForm ? '/models/{model}, with the sound in base64 as inputs, instead of a form' : known;
  throw new ServiceError('invalid_request', `endpoint is '${endpoint.slice(0, 100)}'; jobs ask ${instead}`);
}

/** What stands in `path` where `pattern` has parameters; undefined: it is another path. */
function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const source = pattern.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  const match = new RegExp(`^${source}$`).exec(path);
  if (!match) return undefined;
  try {
    return Object.fromEntries(
      Object.entries(match.groups ?? {}).map(([name, part]) => [name, decodeURIComponent(part)]),
    );
  } catch {
    // A % that encodes nothing.
    return undefined;
  }
}
