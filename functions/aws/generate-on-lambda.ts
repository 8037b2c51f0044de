import {
  InvokeWithResponseStreamCommand,
  type InvokeWithResponseStreamResponseEvent,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import type { Config } from '../config.ts';
import { ServiceError } from '../errors.ts';
import type { GenerateEvent, GenerateLine } from '../host/generate-event.ts';
import type { Services } from '../services.ts';
import { readFailure } from './read-failure.ts';
import { type AttemptOptions, clientSettings, retry } from './retry.ts';

/** Milliseconds between two tokens after which a host is taken for dead. */
const defaultStallMs = 30_000;

/**
 * Texts from the CPU host, the `infer` function, as it generates them. What follows the last line is not trusted: a
 * stream that ends without the generator's own end is host_unavailable. Errors: docs/errors.md.
 */
export function createLambdaGenerator(
  { INFER_FUNCTION_NAME }: Pick<Config, 'INFER_FUNCTION_NAME'>,
  { stallMs = defaultStallMs }: { stallMs?: number } = {},
): Pick<Services, 'generate'> {
  const client = new LambdaClient(clientSettings);

  return {
    async *generate({ manifest }, request, deadline) {
      if (!INFER_FUNCTION_NAME) {
        throw new ServiceError('host_unavailable', 'no CPU host is deployed (INFER_FUNCTION_NAME)');
      }
      const event: GenerateEvent = { operation: 'generate', manifest: { ...manifest, golden: [] }, deadline, request };
      const command = new InvokeWithResponseStreamCommand({
        FunctionName: INFER_FUNCTION_NAME,
        Payload: Buffer.from(JSON.stringify(event)),
      });
      let connection: Destroyable | undefined;
      const remember = (body: Destroyable) => {
        connection = body;
      };
      command.middlewareStack.add(exposeBody(remember), { step: 'deserialize', priority: 'low' });
      const open = (options: AttemptOptions) => client.send(command, options);
      try {
        const { EventStream: stream } = await retry(deadline, open, readFailure);
        const lines = readLines(patient(stream ?? noEvents(), deadline, stallMs));
        for await (const line of lines) {
          if (line.kind === 'error') throw new ServiceError(line.error.code, line.error.message, line.error);
          yield line;
          if (line.kind === 'end') return;
        }
        throw incomplete();
      } finally {
        // The host sees that nobody listens any more. The SDK itself lets go of a stream that has begun, not of its socket.
        connection?.destroy();
      }
    },
  };
}

interface Destroyable {
  destroy(): void;
}

/** A middleware that hands the body of the answer over before the SDK reads it. */
function exposeBody(expose: (body: Destroyable) => void) {
  return <Args, Result extends { response: unknown }>(next: (args: Args) => Promise<Result>) =>
    async (args: Args): Promise<Result> => {
      const result = await next(args);
      expose((result.response as { body: Destroyable }).body);
      return result;
    };
}

async function* noEvents(): AsyncGenerator<InvokeWithResponseStreamResponseEvent> {}

function timedOut(): ServiceError {
  return new ServiceError('deadline_exceeded', 'the model host sent no more of the text in time');
}

function asIncomplete(error: unknown): ServiceError {
  return error instanceof ServiceError ? error : incomplete(error);
}

function incomplete(cause?: unknown): ServiceError {
  return new ServiceError('host_unavailable', 'the answer of the CPU host ended before the text did', { cause });
}

/** Events within the deadline, and after the first one within `stallMs` of each other. A broken stream is incomplete. */
async function* patient<Event>(events: AsyncIterable<Event>, deadline: number, stallMs: number): AsyncGenerator<Event> {
  const iterator = events[Symbol.asyncIterator]();
  for (let longest = Number.POSITIVE_INFINITY; ; longest = stallMs) {
    const stalled = Promise.withResolvers<never>();
    const late = () => stalled.reject(timedOut());
    const timer = setTimeout(late, Math.min(deadline - Date.now(), longest));
    const next = iterator.next();
    next.catch(() => {}); // it may fail when nobody waits for it any more
    const result = await Promise.race([next, stalled.promise])
      .catch((error: unknown) => {
        // At the deadline the connection is cut too, and either may be seen first.
        throw error instanceof ServiceError || Date.now() < deadline ? asIncomplete(error) : timedOut();
      })
      .finally(() => clearTimeout(timer));
    if (result.done) return;
    yield result.value;
  }
}

/** Lines of JSON, however the stream cuts them. Throws where the function failed. */
async function* readLines(events: AsyncIterable<InvokeWithResponseStreamResponseEvent>): AsyncGenerator<GenerateLine> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const { PayloadChunk, InvokeComplete } of events) {
    if (InvokeComplete?.ErrorCode) throw incomplete(new Error(InvokeComplete.ErrorDetails));
    rest += decoder.decode(PayloadChunk?.Payload, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as GenerateLine;
  }
}
