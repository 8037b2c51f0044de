import type { APIGatewayProxyEvent, Context } from 'aws-lambda';
import { ServiceError } from '../errors.ts';
import type { ApiKey } from '../services.ts';
import type { HttpRequest, Route } from './http.ts';
import { readBody } from './read-body.ts';

/** Seconds for one request where the function has more: InvokeEndpoint's own limit. */
const longestRequestSeconds = 60;
/** Most characters of a name in the path, as it is encoded there. */
const maxNameLength = 400;
/** Kept back of the function's time for rendering the answer. */
const renderMilliseconds = 500;

/** The event of API Gateway's REST API (proxy integration) as an HttpRequest. Throws invalid_request, payload_too_large. */
export async function readRequest(
  event: APIGatewayProxyEvent & { apiKey?: ApiKey },
  context: Context,
  route: Route,
): Promise<HttpRequest> {
  const headers = lowerCaseNames(event.headers);
  const remaining = Math.min(context.getRemainingTimeInMillis() - renderMilliseconds, longestRequestSeconds * 1000);
  return {
    method: event.httpMethod,
    path: event.path,
    parameters: decodeSegments(event.pathParameters),
    query: definedOnly(event.queryStringParameters),
    headers,
    body: route.maxBodyBytes === undefined ? Buffer.alloc(0) : await readBody(event, headers, route.maxBodyBytes),
    requestId: event.requestContext.requestId,
    deadline: Date.now() + remaining,
    ...(event.apiKey && { apiKey: event.apiKey }),
  };
}

const lowered = new WeakMap<object, Record<string, string>>();

/** An event's headers by their names in lower case. Authentication and the route both read them: made once. */
export function lowerCaseNames(headers: Record<string, string | undefined> | null): Record<string, string> {
  if (!headers) return {};
  const known = lowered.get(headers);
  if (known) return known;
  const result: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) result[name.toLowerCase()] = value;
  }
  lowered.set(headers, result);
  return result;
}

function decodeSegments(parameters: Record<string, string | undefined> | null): Record<string, string> {
  const decoded: Record<string, string> = {};
  for (const name in parameters) {
    const value = parameters[name] ?? '';
    if (value.length > maxNameLength) {
      const rule = `names have at most ${maxNameLength}`;
      throw new ServiceError('invalid_request', `the path holds a name of ${value.length} characters; ${rule}`);
    }
    try {
      decoded[name] = value.includes('%') ? decodeURIComponent(value) : value;
    } catch (cause) {
      throw new ServiceError('invalid_request', `the path holds '${value}', which is not valid percent-encoding`, {
        cause,
      });
    }
  }
  return decoded;
}

function definedOnly(values: Record<string, string | undefined> | null): Record<string, string> {
  const defined: Record<string, string> = {};
  for (const name in values) if (values[name] !== undefined) defined[name] = values[name];
  return defined;
}
