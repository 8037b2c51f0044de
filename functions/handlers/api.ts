import middy from '@middy/core';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { readConfig } from '../config.ts';
import { letHeapGrow } from '../heap-growth.ts';
import { authenticate } from '../http/authenticate.ts';
import { createCountedServices } from '../http/create-counted-services.ts';
import { limitRate } from '../http/limit-rate.ts';
import { renderError } from '../http/render-error.ts';
import { requestLog } from '../http/request-log.ts';
import { responseHeaders } from '../http/response-headers.ts';
import { router } from '../http/router.ts';
import { routes as answered } from '../http/routes.ts';
import { streamResponse } from '../http/stream-response.ts';
import { openApiRoutes } from '../openapi/routes.ts';

letHeapGrow({ withBuffers: true });
const config = readConfig(process.env);
const services = createCountedServices(config);
const routes = [...answered, ...openApiRoutes(answered)];

/** HTTPS request -> authenticate -> route -> infer -> response. */
export const handler = middy<APIGatewayProxyEvent>({
  executionMode: streamResponse,
  timeoutEarlyInMillis: 0,
})
  .use(requestLog())
  .use(responseHeaders({ corsOrigin: config.CORS_ORIGIN }))
  .use(renderError())
  .use(authenticate({ services, routes, required: config.REQUIRE_API_KEY === 'true' }))
  .use(limitRate(services))
  .handler(router(routes, services));
