import type { IncomingMessage, ServerResponse } from 'node:http';
import { ServiceError } from '../../functions/errors.ts';
import { AwsError, notImplemented } from '../aws-error.ts';
import { readBody } from '../stand-in-server.ts';
import type { EndpointDefinition } from './start-sagemaker.ts';
import { type createTriton, type TritonError, toTritonError } from './triton.ts';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly operation: string;
}

const operations: Readonly<Record<string, string>> = {
  invocations: 'InvokeEndpoint',
  'async-invocations': 'InvokeEndpointAsync',
  'invocations-response-stream': 'InvokeEndpointWithResponseStream',
};

/** AWS's name of the operation; method and path where it is none of SageMaker Runtime's. */
export function readOperation({ method, url = '' }: IncomingMessage): string {
  const action = /^\/endpoints\/[^/]+\/([a-z-]+)$/.exec(url)?.[1] ?? '';
  return (method === 'POST' ? operations[action] : undefined) ?? `${method} ${url}`;
}

/**
 * SageMaker's InvokeEndpoint on a multi-model endpoint. `onTimeout` is called when a model has run out of time.
 * Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
 */
export async function invokeEndpoint(
  endpoint: EndpointDefinition,
  triton: ReturnType<typeof createTriton>,
  { request, response, operation }: Exchange,
  onTimeout: () => void,
): Promise<void> {
  // A multi-model endpoint has neither streams nor asynchronous invocations.
  if (operation !== 'InvokeEndpoint') throw notImplemented(operation);
  const targetModel = readTarget(endpoint, request);
  const message = {
    contentType: request.headers['content-type'] ?? '',
    body: await readMessage(request, endpoint.maxBytes),
  };
  const deadline = Date.now() + endpoint.timeoutSeconds * 1000;
  const model = await before(deadline, triton.load(targetModel)).catch((error: unknown) => {
    throw toAwsError(error, () => new AwsError(429, 'ModelNotReadyException', `${targetModel} is still being loaded`));
  });
  const answer = await before(deadline, triton.infer(model, targetModel, message, deadline)).catch((error: unknown) => {
    throw toAwsError(error, () => {
      onTimeout();
      return timedOut();
    });
  });
  if (answer.body.length > endpoint.maxBytes) {
    throw modelError(0, `the response has ${answer.body.length} bytes; ${endpoint.maxBytes} are allowed`);
  }
  response.writeHead(200, {
    'content-type': answer.contentType,
    'content-length': answer.body.length,
    'x-amzn-invoked-production-variant': 'AllTraffic',
  });
  response.end(answer.body);
}

function readTarget(endpoint: EndpointDefinition, { url = '', headers }: IncomingMessage): string {
  const name = url.split('/')[2];
  if (name !== endpoint.endpointName) throw validationError(`Endpoint ${name} of account 000000000000 not found.`);
  const other = [
    'target-variant',
    'target-container-hostname',
    'inference-component',
    'session-id',
    'enable-explanations',
  ];
  const unsupported = other.find((header) => headers[`x-amzn-sagemaker-${header}`] !== undefined);
  if (unsupported) throw notImplemented(`InvokeEndpoint with ${unsupported}`);
  const target = headers['x-amzn-sagemaker-target-model'];
  if (typeof target === 'string' && target !== '' && !target.split('/').includes('..')) return target;
  throw validationError(`Endpoint ${name} is a multi-model endpoint: TargetModel must name an archive.`);
}

export async function readMessage(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => new AwsError(413, 'RequestEntityTooLarge', `HTTP content length exceeded ${maxBytes} bytes.`);
  if (Number(request.headers['content-length']) > maxBytes) throw tooLarge();
  return await readBody(request, maxBytes, tooLarge);
}

async function before<Result>(deadline: number, work: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = () => reject(new ServiceError('deadline_exceeded', 'the time of the invocation is over'));
  const timer = setTimeout(late, deadline - Date.now());
  return await Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

function toAwsError(error: unknown, late: () => AwsError): unknown {
  const tritons = toTritonError(error);
  if (tritons) return containerError(tritons);
  if (!(error instanceof ServiceError)) return error;
  if (error.code === 'deadline_exceeded') return late();
  if (error.code === 'model_not_ready') return new AwsError(429, 'ModelNotReadyException', error.message);
  return new AwsError(500, 'InternalFailure', error.message);
}

function containerError({ status, message }: TritonError): AwsError {
  const original = JSON.stringify({ error: message });
  const kind = status < 500 ? 'client' : 'server';
  return modelError(status, original, `Received ${kind} error (${status}) from model with message "${original}".`);
}

function timedOut(): AwsError {
  const reason = 'Your invocation timed out while waiting for a response from container model.';
  return modelError(0, reason, `Received server error (0) from model with message "${reason}"`);
}

export function modelError(OriginalStatusCode: number, OriginalMessage: string, message = OriginalMessage): AwsError {
  const LogStreamArn = 'arn:aws:logs:us-east-1:000000000000:log-group:/aws/sagemaker/Endpoints/local';
  return new AwsError(424, 'ModelError', message, { OriginalStatusCode, OriginalMessage, LogStreamArn });
}

export function validationError(message: string): AwsError {
  return new AwsError(400, 'ValidationError', message);
}
