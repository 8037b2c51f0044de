import { ServiceError } from '../errors.ts';
import type { GenerationEvent, GenerationRequest } from '../generation/generation.ts';
import type { ModelVersion } from '../registry/model-manifest.ts';
import { type AttemptOptions, type Failure, retry } from './retry.ts';

/** Milliseconds between two tokens after which a host is taken for dead. */
const defaultStallMs = 30_000;

/** How long a reader waits, and until it leaves. */
export interface Patience {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** By when the first event must have come; absent: by the deadline. */
  readonly firstBy?: number;
  readonly stallMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Generates on one kind of host. */
export type GenerateOn = (
  model: ModelVersion,
  request: GenerationRequest,
  patience: Patience,
) => AsyncGenerator<GenerationEvent>;

/** A command of the SDK whose answer is a stream of events. */
interface StreamCommand {
  readonly middlewareStack: { add(middleware: ReturnType<typeof exposeBody>, options: object): void };
}

/**
 * Events of a model host's answer as they come. A call that fails before the answer has begun may be repeated. However it
 * ends, and whenever the reader leaves, the connection is closed, so that the host sees that nobody listens any more: the
 * SDK itself lets go of a stream that has begun, but not of its socket. A broken stream throws host_unavailable.
 */
export async function* readHostStream<Event>(
  command: StreamCommand,
  send: (options: AttemptOptions) => Promise<AsyncIterable<Event> | undefined>,
  patience: Patience,
  readFailure: (cause: unknown) => Failure,
): AsyncGenerator<Event> {
  const { deadline, firstBy = deadline, signal } = patience;
  let connection: Destroyable | undefined;
  const remember = (body: Destroyable) => {
    connection = body;
  };
  command.middlewareStack.add(exposeBody(remember), { step: 'deserialize', priority: 'low' });
  try {
    const attempt = (options: AttemptOptions) => {
      return send({ ...options, abortSignal: AbortSignal.any([options.abortSignal, ...(signal ? [signal] : [])]) });
    };
    const events = await retry(firstBy, attempt, (cause) => (signal?.aborted ? abandoned(cause) : readFailure(cause)));
    if (events) yield* patient(events, patience);
  } finally {
    connection?.destroy();
  }
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

function abandoned(cause?: unknown): Failure {
  return { error: new ServiceError('host_unavailable', 'the caller has left', { cause }), repeat: false };
}

/** The answer ended before the text did. */
export function incomplete(cause?: unknown): ServiceError {
  return new ServiceError('host_unavailable', 'the answer of the model host ended before the text did', { cause });
}

function timedOut(): ServiceError {
  return new ServiceError('deadline_exceeded', 'the model host sent no more of the text in time');
}

/** Events within the deadline, and after the first one within `stallMs` of each other. */
async function* patient<Event>(
  events: AsyncIterable<Event>,
  { deadline, firstBy = deadline, stallMs = defaultStallMs, signal }: Patience,
): AsyncGenerator<Event> {
  const iterator = events[Symbol.asyncIterator]();
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {}); // it may come when nobody waits
  const leave = () => stopped.reject(abandoned().error);
  if (signal?.aborted) leave();
  signal?.addEventListener('abort', leave);
  try {
    for (let until = firstBy; ; until = Math.min(deadline, Date.now() + stallMs)) {
      const timer = setTimeout(() => stopped.reject(timedOut()), until - Date.now());
      const next = iterator.next();
      next.catch(() => {}); // it may fail when nobody waits for it any more
      const result = await Promise.race([next, stopped.promise])
        .catch((error: unknown) => {
          // At the deadline the connection is cut too, and either may be seen first.
          if (error instanceof ServiceError) throw error;
          throw Date.now() < until ? incomplete(error) : timedOut();
        })
        .finally(() => clearTimeout(timer));
      if (result.done) return;
      yield result.value;
    }
  } finally {
    signal?.removeEventListener('abort', leave);
  }
}
