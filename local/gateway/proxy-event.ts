import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEvent } from 'aws-lambda';

/**
 * The event of a REST API's proxy integration; with `binaryMediaTypes: *\/*` every body comes in base64.
 * Source: AWS, "Set up Lambda proxy integrations in API Gateway", input format.
 */
export function toProxyEvent(request: IncomingMessage, body: Buffer): APIGatewayProxyEvent {
  const { pathname, query } = splitUrl(request.url ?? '/');
  const headers = collect(pairs(request.rawHeaders));
  const parameters = collect(query === '' ? [] : new URLSearchParams(query));
  const method = request.method ?? 'GET';
  return {
    resource: '/{proxy+}',
    path: pathname,
    httpMethod: method,
    headers: headers.last,
    multiValueHeaders: headers.all,
    queryStringParameters: parameters.last,
    multiValueQueryStringParameters: parameters.all,
    pathParameters: { proxy: pathname.slice(1) },
    stageVariables: null,
    requestContext: {
      requestId: randomUUID(),
      stage: 'local',
      path: pathname,
      httpMethod: method,
      identity: { sourceIp: request.socket.remoteAddress ?? '', userAgent: request.headers['user-agent'] ?? null },
    } as APIGatewayProxyEvent['requestContext'],
    body: body.length === 0 ? null : body.toString('base64'),
    isBase64Encoded: body.length > 0,
  };
}

/** By hand: the WHATWG parser would resolve `..` and take `//host/path` for a host. */
function splitUrl(url: string): { pathname: string; query: string } {
  const question = url.indexOf('?');
  const pathname = question < 0 ? url : url.slice(0, question);
  return {
    pathname: pathname.startsWith('/') ? pathname : `/${pathname}`,
    query: question < 0 ? '' : url.slice(question + 1),
  };
}

function* pairs(raw: readonly string[]): Iterable<[string, string]> {
  for (let index = 0; index < raw.length; index += 2) yield [raw[index] as string, raw[index + 1] as string];
}

/** The last and all values of each name, in records without a prototype: names are the caller's. */
function collect(entries: Iterable<[string, string]>) {
  const last: Record<string, string> = Object.create(null);
  const all: Record<string, string[]> = Object.create(null);
  for (const [name, value] of entries) {
    last[name] = value;
    const values = all[name];
    if (values) values.push(value);
    else all[name] = [value];
  }
  return { last, all };
}
