import { Writable } from 'node:stream';
import type { Context } from 'aws-lambda';

/** What `awslambda.streamifyResponse` leaves on a handler, as in AWS's runtime. */
const streaming = Symbol.for('aws.lambda.runtime.handler.streaming');

export type Handler = (event: unknown, context: Context) => unknown;
type StreamingHandler = (event: unknown, stream: Writable, context: Context) => Promise<unknown>;

/** What the Lambda runtime gives to functions that stream; must be in place before such a handler is imported. */
export function installStreamingRuntime(): void {
  Object.assign(globalThis, {
    awslambda: {
      streamifyResponse: (handler: StreamingHandler) => Object.assign(handler, { [streaming]: 'response' }),
    },
  });
}

/** Calls a handler of either kind: what a streaming one writes goes to `write`, what another one returns is returned. */
export async function callHandler(
  handler: Handler,
  event: unknown,
  context: Context,
  write: (piece: Uint8Array) => Promise<void>,
): Promise<unknown> {
  if (!isStreaming(handler)) return await handler(event, context);
  const stream = new Writable({
    write: (piece: Uint8Array, _encoding, done) => void write(piece).then(() => done(), done),
  });
  await (handler as unknown as StreamingHandler)(event, stream, context);
  if (!stream.writableFinished) await new Promise<void>((resolve) => stream.end(resolve));
}

export function isStreaming(handler: Handler): boolean {
  return streaming in handler;
}
