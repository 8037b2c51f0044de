import type { Context } from 'aws-lambda';
import type { LambdaFunction } from './start-lambda.ts';
import { callHandler, type Handler, isStreaming } from './streaming-runtime.ts';

/** What Invoke answers: the function's JSON, or with `failed` an error object in the place of it. Empty: it was streamed. */
export interface Outcome {
  readonly payload: Buffer;
  readonly failed: boolean;
}

export interface Invocation {
  readonly event: unknown;
  readonly requestId: string;
  readonly write?: (piece: Uint8Array) => Promise<void>;
}

export interface Invocations {
  /** Imports the function's module, as Lambda does before the first invocation. */
  load(definition: LambdaFunction): void;
  /** What a function streams goes to `write`; without it, into the outcome. */
  run(name: string, definition: LambdaFunction, invocation: Invocation): Promise<Outcome>;
}

/** Lambda's documented limit is 6 MB; this is the number in its message. */
const maxResponseBytes = 6_291_556;
const importSeconds = 10;

/**
 * Runs handlers, many invocations at a time. `retire` is called where Lambda would end its sandbox: a function that ran
 * out of time, an exception that nobody caught.
 */
export function createInvocations(retire: () => void): Invocations {
  const handlers = new Map<string, Promise<Handler>>();
  const running = new Set<(outcome: Outcome) => void>();

  const load = ({ module }: LambdaFunction): Promise<Handler> => {
    const loaded = handlers.get(module) ?? importHandler(module);
    loaded.catch(() => {}); // answered by each invocation
    handlers.set(module, loaded);
    return loaded;
  };

  const crash = (type: string) => (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    retire();
    for (const end of running) end(failure(type, error));
  };
  process.on('uncaughtException', crash('Runtime.UncaughtException'));
  process.on('unhandledRejection', crash('Runtime.UnhandledPromiseRejection'));

  const run = (name: string, definition: LambdaFunction, invocation: Invocation): Promise<Outcome> => {
    const { event, requestId } = invocation;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const seconds = definition.timeoutSeconds;
    const expire = () => {
      retire();
      resolve(timedOut(requestId, seconds));
    };
    // As on AWS, importing the module has ten seconds of its own.
    let timer = setTimeout(expire, (importSeconds + seconds) * 1000);
    running.add(resolve);
    load(definition)
      .then((handler) => {
        clearTimeout(timer);
        timer = setTimeout(expire, seconds * 1000);
        return answer(handler, event, createContext(name, definition, requestId), invocation.write);
      })
      .catch((error: unknown) => failure(undefined, error))
      .then(resolve);
    return promise.finally(() => {
      clearTimeout(timer);
      running.delete(resolve);
    });
  };
  return { load: (definition) => void load(definition), run };
}

async function answer(handler: Handler, event: unknown, context: Context, write?: Invocation['write']) {
  const pieces: Uint8Array[] = [];
  const gather = async (piece: Uint8Array) => void pieces.push(piece);
  const result = await callHandler(handler, event, context, write ?? gather);
  if (!isStreaming(handler)) return succeeded(Buffer.from(JSON.stringify(result) ?? 'null'));
  return succeeded(Buffer.concat(pieces));
}

async function importHandler(module: string): Promise<Handler> {
  const { handler } = (await import(module)) as { handler?: Handler };
  if (typeof handler !== 'function') throw new TypeError(`${module} exports no function named handler`);
  return handler;
}

/** Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
function createContext(name: string, { timeoutSeconds, memoryMiB }: LambdaFunction, requestId: string): Context {
  const endsAt = performance.now() + timeoutSeconds * 1000;
  const unsupported = () => {
    throw new Error('callbacks are gone since Node 24: return a value or throw');
  };
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
    memoryLimitInMB: String(memoryMiB),
    awsRequestId: requestId,
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: '$LATEST',
    getRemainingTimeInMillis: () => Math.max(0, Math.round(endsAt - performance.now())),
    done: unsupported,
    fail: unsupported,
    succeed: unsupported,
  };
}

function succeeded(payload: Buffer): Outcome {
  if (payload.length <= maxResponseBytes) return { payload, failed: false };
  return failed({
    errorMessage: `Response payload size exceeded maximum allowed payload size (${maxResponseBytes} bytes).`,
    errorType: 'Function.ResponseSizeTooLarge',
  });
}

function failure(type: string | undefined, error: unknown): Outcome {
  if (!(error instanceof Error))
    return failed({ errorType: type ?? typeof error, errorMessage: String(error), trace: [] });
  const trace = error.stack?.split('\n') ?? [];
  return failed({ errorType: type ?? error.name, errorMessage: error.message, trace });
}

function timedOut(requestId: string, seconds: number): Outcome {
  const errorMessage = `RequestId: ${requestId} Error: Task timed out after ${seconds.toFixed(2)} seconds`;
  return failed({ errorType: 'Sandbox.Timedout', errorMessage });
}

function failed(error: object): Outcome {
  return { payload: Buffer.from(JSON.stringify(error)), failed: true };
}
