import { Readable } from 'node:stream';
import httpRouter from '@middy/http-router';
import type { Context } from 'aws-lambda';
import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Route } from './http.ts';
import { readRequest } from './read-request.ts';
import type { LoggedEvent } from './request-log.ts';
import { preflight } from './response-headers.ts';
import { type ProxyResponse, toResponse } from './to-response.ts';

type Handler = (event: LoggedEvent, context: Context) => Promise<ProxyResponse>;

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** The routes as one Lambda handler. Unknown paths: route_not_found; known ones with another method: method_not_allowed. */
export function router(routes: readonly Route[], services: Services): Handler {
  const paths = [...new Set(routes.map((route) => route.path))];
  return httpRouter({
    routes: [
      ...routes.flatMap((route) => toHttpRoutes(route, services)),
      ...paths.flatMap((path) => otherMethods(path, routes)),
    ] as never[],
    notFoundResponse: ({ method, path }: { method: string; path: string }) => {
      if (!(methods as readonly string[]).includes(method)) throw notAllowed(method, methods);
      throw new ServiceError('route_not_found', `${method} ${path.slice(0, 100)} is not a route of this API`);
    },
  }) as unknown as Handler;
}

/** What answers GET answers HEAD too, without the body (RFC 9110, section 9.3.2). */
function toHttpRoutes(route: Route, services: Services) {
  const handler: Handler = async (event, context) => {
    event.route = route.path;
    const request = await readRequest(event, context, route);
    const response = toResponse(await route.handle(request, services));
    if (event.httpMethod !== 'HEAD') return response;
    if (response.body instanceof Readable) response.body.destroy();
    return { ...response, body: '' };
  };
  return methodsOf(route).map((method) => ({ method, path: route.path, handler }));
}

function methodsOf({ method }: Route): readonly string[] {
  return method === 'GET' ? ['GET', 'HEAD'] : [method];
}

/** Routes for the methods that `path` does not have: a preflight is answered, the others are refused. */
function otherMethods(path: string, routes: readonly Route[]) {
  const own = routes.filter((route) => route.path === path).flatMap(methodsOf);
  const allowed = [...own, 'OPTIONS'];
  const handler: Handler = async (event) => {
    event.route = path;
    if (event.httpMethod === 'OPTIONS') return toResponse(preflight(allowed));
    throw notAllowed(event.httpMethod, allowed);
  };
  return methods.filter((method) => !own.includes(method)).map((method) => ({ method, path, handler }));
}

function notAllowed(method: string, allow: readonly string[]): ServiceError {
  return new ServiceError('method_not_allowed', `${method} is not allowed here; allowed: ${allow.join(', ')}`, {
    allow,
  });
}
