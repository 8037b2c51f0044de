import middy from '@middy/core';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { readConfig } from '../config.ts';
import { createServices } from '../create-services.ts';
import { authenticate } from '../http/authenticate.ts';
import { modelAliasRoutes } from '../http/model-aliases.ts';
import { modelRepositoryRoutes } from '../http/model-repository.ts';
import { modelVersionRoutes } from '../http/model-versions.ts';
import { modelRoutes } from '../http/models.ts';
import { openInferenceRoutes } from '../http/open-inference.ts';
import { openaiChatRoutes } from '../http/openai-chat.ts';
import { openaiCompletionRoutes } from '../http/openai-completions.ts';
import { openaiEmbeddingRoutes } from '../http/openai-embeddings.ts';
import { openaiModelRoutes } from '../http/openai-models.ts';
import { renderError } from '../http/render-error.ts';
import { requestLog } from '../http/request-log.ts';
import { responseHeaders } from '../http/response-headers.ts';
import { router } from '../http/router.ts';
import { streamResponse } from '../http/stream-response.ts';

const config = readConfig(process.env);
const services = createServices(config);
const routes = [
  ...openInferenceRoutes,
  ...modelRoutes,
  ...openaiModelRoutes,
  ...openaiChatRoutes,
  ...openaiCompletionRoutes,
  ...openaiEmbeddingRoutes,
  ...modelVersionRoutes,
  ...modelAliasRoutes,
  ...modelRepositoryRoutes,
];

/** HTTPS request -> authenticate -> route -> infer -> response. */
export const handler = middy<APIGatewayProxyEvent>({
  executionMode: streamResponse,
  timeoutEarlyInMillis: 0,
})
  .use(requestLog())
  .use(responseHeaders({ corsOrigin: config.CORS_ORIGIN }))
  .use(renderError())
  .use(authenticate({ services, routes, required: config.REQUIRE_API_KEY === 'true' }))
  .handler(router(routes, services));
