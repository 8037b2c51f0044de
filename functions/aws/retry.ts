import { setTimeout as wait } from 'node:timers/promises';
import { ServiceError } from '../errors.ts';

const maxAttempts = 3;
const firstDelayMs = 100;

/** What a failed call means for the caller, and whether the same call may succeed if it is made again. */
export interface Failure {
  readonly error: ServiceError;
  readonly repeat: boolean;
}

/** How every client of a model host is made: `retry` alone repeats, and no call outlives its deadline. */
export const clientSettings = {
  maxAttempts: 1,
  requestHandler: {
    connectionTimeout: 3000,
    throwOnRequestTimeout: true,
    httpAgent: { keepAlive: true, maxSockets: 256 },
    httpsAgent: { keepAlive: true, maxSockets: 256 },
  },
} as const;

/** Options of `client.send` for one attempt. The signal comes first; the time-out ends what does not listen to it. */
export interface AttemptOptions {
  readonly abortSignal: AbortSignal;
  readonly requestTimeout: number;
}

/**
 * The one place where calls to model hosts are repeated: up to three attempts within `deadline` (milliseconds since the
 * epoch), after a random wait that grows. `readFailure` says what the SDK's error means.
 */
export async function retry<Result>(
  deadline: number,
  attempt: (options: AttemptOptions) => Promise<Result>,
  readFailure: (error: unknown) => Failure,
): Promise<Result> {
  for (let attempts = 1; ; attempts++) {
    const left = deadline - Date.now();
    if (left <= 0) throw new ServiceError('deadline_exceeded', 'the time for the request was over');
    // Not AbortSignal.timeout: its timer would live on for as long as the call might have taken.
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), Math.min(left, 2 ** 31 - 1));
    try {
      return await attempt({ abortSignal: controller.signal, requestTimeout: Math.min(left + 1000, 2 ** 31 - 1) });
    } catch (cause) {
      if (controller.signal.aborted) {
        throw new ServiceError('deadline_exceeded', 'the model host did not answer in time', { cause });
      }
      const { error, repeat } = readFailure(cause);
      const delay = Math.random() * firstDelayMs * 2 ** attempts;
      if (!repeat || attempts === maxAttempts || Date.now() + delay >= deadline) throw error;
      await wait(delay);
    } finally {
      clearTimeout(timer);
    }
  }
}
