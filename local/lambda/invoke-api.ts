import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AwsError, notImplemented } from '../aws-error.ts';
import { encodeEventMessage } from '../event-stream.ts';
import { readBody } from '../stand-in-server.ts';
import type { Invocations, Outcome } from './invocations.ts';
import type { LambdaFunction } from './start-lambda.ts';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly operation: string;
}

const maxBytes = { RequestResponse: 6_291_456, Event: 1_048_576, DryRun: 6_291_456 };
const streamOperation = 'InvokeWithResponseStream';
/** An asynchronous invocation that fails comes again after a minute, and once more after two. */
const eventRetrySeconds = [60, 120];

/** AWS's name of the operation: Invoke, or method and path where it is another. */
export function readOperation(request: IncomingMessage): string {
  const [path] = (request.url ?? '').split('?');
  const invokes = request.method === 'POST';
  if (invokes && /^\/2015-03-31\/functions\/[^/]+\/invocations$/.test(path ?? '')) return 'Invoke';
  if (invokes && /^\/2021-11-15\/functions\/[^/]+\/response-streaming-invocations$/.test(path ?? ''))
    return streamOperation;
  return `${request.method} ${path}`;
}

/**
 * Lambda's Invoke and InvokeWithResponseStream.
 * Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html and API_InvokeWithResponseStream.html
 */
export async function invoke(
  functions: ReadonlyMap<string, LambdaFunction>,
  invocations: Invocations,
  { request, response, operation }: Exchange,
): Promise<void> {
  if (operation !== 'Invoke' && operation !== streamOperation) throw notImplemented(operation);
  const type = readInvocationType(request);
  const [name, definition] = findFunction(functions, request);
  const event = await readEvent(request, type);
  const requestId = randomUUID();
  response.setHeader('x-amzn-requestid', requestId);
  response.setHeader('x-amz-executed-version', '$LATEST');
  const run = (write?: (piece: Uint8Array) => Promise<void>) =>
    invocations.run(name, definition, { event, requestId, ...(write && { write }) });
  if (type === 'DryRun') return void response.writeHead(204).end();
  if (operation === streamOperation) return await stream(response, run);
  if (type === 'Event') {
    response.writeHead(202).end();
    return runEvent(run);
  }
  const { payload, failed } = await run();
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': payload.length,
    ...(failed ? { 'x-amz-function-error': 'Unhandled' } : {}),
  });
  response.end(payload);
}

/** Pieces leave as the function writes them. Where the caller has gone, its next write fails. */
async function stream(
  response: ServerResponse,
  run: (write: (piece: Uint8Array) => Promise<void>) => Promise<Outcome>,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'application/vnd.amazon.eventstream',
    'x-amzn-remapped-content-type': 'application/octet-stream',
  });
  response.flushHeaders();
  const send = (type: string, contentType: string, payload: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      const headers = { ':event-type': type, ':content-type': contentType, ':message-type': 'event' };
      response.write(encodeEventMessage(headers, payload), (error) => (error ? reject(error) : resolve()));
    });
  const write = (piece: Uint8Array) => send('PayloadChunk', 'application/octet-stream', piece);
  const { payload, failed } = await run(write);
  if (!failed && payload.length > 0) await write(payload);
  const complete = failed ? { ErrorCode: 'Unhandled', ErrorDetails: payload.toString() } : {};
  await send('InvokeComplete', 'application/json', Buffer.from(JSON.stringify(complete))).catch(() => {});
  response.end();
}

/** What waits for a retry is lost when the process ends. */
async function runEvent(run: () => Promise<Outcome>, retries = eventRetrySeconds): Promise<void> {
  const { failed } = await run();
  const [seconds, ...later] = retries;
  if (failed && seconds !== undefined) setTimeout(() => void runEvent(run, later), seconds * 1000).unref();
}

function readInvocationType(request: IncomingMessage): keyof typeof maxBytes {
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  if (request.headers['x-amz-log-type'] === 'Tail') throw notImplemented('Invoke with LogType Tail');
  if (request.headers['x-amz-client-context']) throw notImplemented('Invoke with ClientContext');
  if (type === 'RequestResponse' || type === 'Event' || type === 'DryRun') return type;
  throw new AwsError(
    400,
    'InvalidParameterValueException',
    `InvocationType ${type} is none of RequestResponse, Event, DryRun`,
  );
}

function findFunction(
  functions: ReadonlyMap<string, LambdaFunction>,
  request: IncomingMessage,
): [string, LambdaFunction] {
  const url = new URL(request.url ?? '', 'http://127.0.0.1');
  const name = url.pathname.split('/')[3] ?? '';
  const qualifier = url.searchParams.get('Qualifier') ?? '$LATEST';
  const definition = functions.get(name);
  if (definition && qualifier === '$LATEST') return [name, definition];
  const arn = `arn:aws:lambda:us-east-1:000000000000:function:${name}${qualifier === '$LATEST' ? '' : `:${qualifier}`}`;
  throw new AwsError(404, 'ResourceNotFoundException', `Function not found: ${arn}`, { Type: 'User' });
}

/** No body is the event `{}`. */
async function readEvent(request: IncomingMessage, type: keyof typeof maxBytes): Promise<unknown> {
  const limit = maxBytes[type];
  const message = `Request must be smaller than ${limit} bytes for the InvokeFunction operation`;
  const tooLarge = () => new AwsError(413, 'RequestTooLargeException', message, { Type: 'User' });
  if (Number(request.headers['content-length']) > limit) throw tooLarge();
  const body = await readBody(request, limit, tooLarge);
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    const reason = `Could not parse request body into json: ${(error as Error).message}`;
    throw new AwsError(400, 'InvalidRequestContentException', reason, { Type: 'User' });
  }
}
