import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { APIGatewayProxyEvent, Context } from 'aws-lambda';
import { ServiceError } from '../../functions/errors.ts';
import { errorFormat, renderErrorBody } from '../../functions/http/render-error.ts';
import { collectBody } from '../collect-body.ts';
import { toProxyEvent } from './proxy-event.ts';

/** API Gateway's limit of a request, and Lambda's of an event. */
const maxRequestBytes = 10_485_760;
const maxEventBytes = 6_291_456;

/** A handler that was wrapped by `awslambda.streamifyResponse`. */
export type StreamingHandler = (
  event: APIGatewayProxyEvent,
  response: ServerResponse,
  context: Context,
) => Promise<void>;

export interface Gateway {
  readonly url: string;
  /** Stops listening, lets requests in flight end for up to `graceMilliseconds`, then cuts them. */
  close(graceMilliseconds: number): Promise<void>;
}

/** What the Lambda runtime gives to functions that stream; must be in place before such a handler is imported. */
export function installLambdaRuntime(): void {
  Object.assign(globalThis, {
    awslambda: {
      streamifyResponse: (handler: StreamingHandler) => handler,
      HttpResponseStream: {
        // Not writeHead: so the head of an answer that is whole leaves with its body, and with its length.
        from: (response: ServerResponse, head: { statusCode: number; headers: Record<string, string> }) => {
          response.statusCode = head.statusCode;
          for (const name in head.headers) response.setHeader(name, head.headers[name] as string);
          return response;
        },
      },
    },
  });
}

/** API Gateway's REST API with one proxy route to one function in response streaming mode, on 127.0.0.1. */
export async function startGateway(options: {
  port: number;
  handler: StreamingHandler;
  functionName: string;
  timeoutSeconds: number;
  /** Web pages of other hosts are kept out, since calls need no key. */
  loopbackOnly: boolean;
}): Promise<Gateway> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    forward(request, response, options).catch(() => refuse(response, 502, 'Internal server error'));
  });
  await new Promise<void>((resolve, reject) => {
    const refused = ({ code }: NodeJS.ErrnoException) =>
      reject(new Error(`port ${options.port} cannot be had (${code}); PORT=<number> chooses another`));
    server.once('error', refused).listen(options.port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async (graceMilliseconds) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), graceMilliseconds);
      await closed;
      clearTimeout(cut);
    },
  };
}

async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  options: Parameters<typeof startGateway>[0],
): Promise<void> {
  if (options.loopbackOnly && !isLoopback(request)) {
    return refuse(
      response,
      403,
      'without a key, calls are taken from this machine only, not from a page of another host',
    );
  }
  const body = await collectBody(request, maxRequestBytes);
  if (!body) return refuseLarge(request, response, `a request may have ${maxRequestBytes} bytes`);
  const event = toProxyEvent(request, body);
  if ((event.body?.length ?? 0) > maxEventBytes) {
    return refuseLarge(request, response, `in base64 a body may have ${maxEventBytes} bytes, which are 4.5 MB before`);
  }
  const started = Date.now();
  const milliseconds = options.timeoutSeconds * 1000;
  const timer = setTimeout(() => refuse(response, 504, 'Endpoint request timed out'), milliseconds);
  try {
    await options.handler(event, response, {
      awsRequestId: randomUUID(),
      functionName: options.functionName,
      getRemainingTimeInMillis: () => milliseconds - (Date.now() - started),
    } as Context);
  } finally {
    clearTimeout(timer);
  }
}

const loopbackHost = /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/;

function isLoopback({ headers }: IncomingMessage): boolean {
  const originHost = headers.origin?.replace(/^https?:\/\//, '');
  return loopbackHost.test(headers.host ?? '') && (originHost === undefined || loopbackHost.test(originHost));
}

const largeFiles = [
  'send a larger file by /v1/uploads in parts of 4 MiB, in Python client.uploads.upload_file_chunked(…, part_size=4 * 2**20)',
  'or put it to the url that POST /v1/uploads answers',
].join(', ');

/** API Gateway refuses the same, in fewer words that are not ours to choose: docs/errors.md. */
function refuseLarge({ url = '/' }: IncomingMessage, response: ServerResponse, limit: string): void {
  const isFile = /^\/v1\/(?:files|uploads)\b/.test(url);
  const error = new ServiceError('payload_too_large', `Request Too Long: ${limit}${isFile ? `; ${largeFiles}` : ''}`);
  const body = JSON.stringify(renderErrorBody(errorFormat(url), error));
  response.writeHead(error.status, { 'content-type': 'application/json' }).end(body);
}

/** A gateway response: what API Gateway says itself, in the form that infra configures for it. */
function refuse(response: ServerResponse, status: number, error: string): void {
  if (response.headersSent || response.destroyed) response.destroy();
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
}
