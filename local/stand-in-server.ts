import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { AwsError } from './aws-error.ts';
import { collectBody } from './collect-body.ts';
import { createFaults, cutAfter, type Fault, type Faults, parseFaults } from './faults.ts';

interface StandInOptions {
  /** 0 (default): any free port. */
  readonly port?: number;
  /** AWS's name of the operation that a request asks for; faults match by it. */
  operation(request: IncomingMessage): string;
  /** Answers one request. What it throws is rendered: an AwsError as it is, anything else as a 500. */
  handle(request: IncomingMessage, response: ServerResponse, operation: string): Promise<void>;
  /** Default: AWS's JSON form, `x-amzn-errortype` and `{"__type", "message", ...fields}`. */
  renderError?(error: AwsError, request: IncomingMessage, response: ServerResponse): void;
}

export interface StandIn {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  readonly faults: Faults;
  /** For connections that another process has accepted. */
  readonly server: Server;
  /** Ends all connections at once, idle and busy. */
  close(): Promise<void>;
}

/**
 * An AWS service's wire protocol on 127.0.0.1. Requests are unauthenticated, so that only programs on this machine may
 * send them: the Host must be loopback (a page in a browser cannot come in by DNS rebinding) and there must be no Origin.
 * See faults.ts for making it fail on purpose.
 */
export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  const faults = createFaults();
  const closing = new AbortController();
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const renderError = options.renderError ?? renderJsonError;
    answer(options, faults, request, response, closing.signal)
      .catch((error: unknown) => {
        if (response.headersSent || response.destroyed) response.destroy();
        else renderError(toAwsError(error), request, response);
      })
      // What was not read of the body would stand before the connection's next request.
      .finally(() => request.resume());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    closing.abort();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  return { url: `http://127.0.0.1:${port}`, port, faults, server, close };
}

async function answer(
  options: StandInOptions,
  faults: Faults,
  request: IncomingMessage,
  response: ServerResponse,
  closing: AbortSignal,
): Promise<void> {
  response.setHeader('x-amzn-requestid', randomUUID());
  refuseBrowsers(request);
  if (request.url === '/_faults') return configureFaults(faults, request, response);
  const operation = options.operation(request);
  const fault = readFaultHeader(request) ?? faults.take(request, operation);
  if (fault?.delayMs) await delay(fault.delayMs, undefined, { signal: closing });
  if (fault?.reset) {
    request.socket.resetAndDestroy();
    return;
  }
  if (fault?.cutAfterBytes !== undefined) cutAfter(response, fault.cutAfterBytes);
  if (fault?.status !== undefined || fault?.errorType !== undefined) {
    const code = fault.errorType ?? 'ServiceUnavailable';
    throw new AwsError(fault.status ?? 500, code, fault.message ?? 'an injected fault', fault.fields);
  }
  await options.handle(request, response, operation);
}

function refuseBrowsers(request: IncomingMessage): void {
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '')) {
    const host = JSON.stringify(request.headers.host ?? '');
    throw new AwsError(403, 'AccessDenied', `Host is ${host}; this stand-in answers to 127.0.0.1 and localhost only`);
  }
  if (request.headers.origin !== undefined) {
    throw new AwsError(403, 'AccessDenied', 'this stand-in answers no web pages: remove the Origin header');
  }
}

function readFaultHeader(request: IncomingMessage): Fault | undefined {
  const header = request.headers['x-lambent-fault'];
  return typeof header === 'string' ? parseFaults(header)[0] : undefined;
}

/** POST adds one fault or a list of them, GET shows those that wait, DELETE removes them. */
async function configureFaults(faults: Faults, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'POST') for (const fault of parseFaults(String(await readBody(request)))) faults.add(fault);
  else if (request.method === 'DELETE') faults.clear();
  else if (request.method !== 'GET') throw new AwsError(405, 'MethodNotAllowed', '/_faults takes POST, GET and DELETE');
  sendJson(response, 200, faults.list());
}

/** The whole body; throws `tooLarge()` where it exceeds `limit` bytes. */
export async function readBody(
  request: IncomingMessage,
  limit = 1_048_576,
  tooLarge = () => new AwsError(413, 'RequestEntityTooLarge', `the body exceeds ${limit} bytes`),
): Promise<Buffer> {
  const body = await collectBody(request, limit);
  if (!body) throw tooLarge();
  return body;
}

/** Answers `value` as JSON; `headers` may name another content type. */
export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length, ...headers });
  response.end(body);
}

function renderJsonError(error: AwsError, _request: IncomingMessage, response: ServerResponse): void {
  const body = { __type: error.code, message: error.message, Message: error.message, ...error.fields };
  sendJson(response, error.status, body, { 'x-amzn-errortype': error.code });
}

function toAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  return new AwsError(500, 'InternalError', error instanceof Error ? error.message : String(error));
}
