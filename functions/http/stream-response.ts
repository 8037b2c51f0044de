import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PluginExecutionMode } from '@middy/core';
import type { ProxyResponse } from './to-response.ts';

type ResponseStream = NodeJS.WritableStream & { end(chunk: string | Uint8Array, done: () => void): void };

/** What the Lambda runtime gives to functions that stream. */
declare const awslambda: {
  streamifyResponse<Handler>(handler: Handler): Handler;
  HttpResponseStream: { from(stream: ResponseStream, head: Omit<ProxyResponse, 'body'>): ResponseStream };
};

interface Core {
  middyRequest(event: unknown, context: unknown): { response?: ProxyResponse };
  runRequest(request: object, ...rest: unknown[]): Promise<ProxyResponse>;
}

/**
 * middy's streaming execution mode for answers that are whole as well as for those that come bit by bit. middy's own
 * takes strings and streams only; a stream and a pipeline for a body that is there already cost as much as the rest of
 * a small request. The handler of the pipeline is replaceable until the first request, as middy's is.
 */
export const streamResponse = ((
  core: Core,
  before: unknown,
  defaultHandler: unknown,
  after: unknown,
  onError: unknown,
  plugin: unknown,
) => {
  let handler = defaultHandler;
  const streaming = awslambda.streamifyResponse(async (event: unknown, stream: ResponseStream, context: unknown) => {
    const request = core.middyRequest(event, context);
    const response = await core.runRequest(request, before, handler, after, onError, plugin);
    const { body, ...head } = response;
    await sendBody(awslambda.HttpResponseStream.from(stream, head), body);
  });
  return Object.assign(streaming, {
    handler(next: unknown) {
      handler = next;
      return streaming;
    },
  });
}) as unknown as PluginExecutionMode;

/** Writes a body that is whole at once, and one that comes bit by bit as it comes; ends the stream. */
export async function sendBody(stream: ResponseStream, body: ProxyResponse['body']): Promise<void> {
  if (body instanceof Readable) return await pipeline(body, stream);
  // The head must leave even where no body follows.
  if (body.length === 0) stream.write('');
  await new Promise<void>((resolve, reject) => {
    // A caller that has gone is no error: nobody waits for the body.
    stream.once('error', reject).once('close', resolve);
    stream.end(body, resolve);
  });
}
