import { ServiceError } from '../errors.ts';
import { inputBytes, joinInputs, readBatchShape, splitOutputs, takeBatch } from '../host/batch.ts';
import type { InferRequest, InferResponse } from '../inference/protocol.ts';
import type { Infer } from '../tasks/task.ts';

/** Most bytes of the inputs of one run: a host takes 4.5 MB, but for the GPU's 6 MiB. */
const maxBytes = 4 * 2 ** 20;
/** One run that the host works on, and one that is on its way. */
const maxInFlight = 2;
/** Of a model that joins nothing the runs themselves are many. */
const maxInFlightAlone = 16;

interface Waiter {
  readonly request: InferRequest;
  readonly batch: { readonly key: string; readonly rows: number } | undefined;
  readonly bytes: number;
  resolve(response: InferResponse): void;
  reject(error: unknown): void;
}

/**
 * `infer` for many records at once: requests that wait together share a run of up to `maxBatchSize` rows, without a timer.
 * Where a run of several is refused each is run by itself, so that one record's fault is not that of the others; where
 * it runs out of time, later ones are smaller.
 */
export function joinRuns(maxBatchSize: number, infer: Infer): Infer {
  const waiting: Waiter[] = [];
  const most = maxBatchSize > 1 ? maxInFlight : maxInFlightAlone;
  let rows = maxBatchSize;
  let inFlight = 0;
  let leaving = false;

  const leave = () => {
    if (leaving || inFlight >= most || waiting.length === 0) return;
    leaving = true;
    setImmediate(() => {
      leaving = false;
      inFlight += 1;
      const taken = takeBatch(waiting, { rows, bytes: maxBytes });
      leave();
      void run(taken, infer).then((inTime) => {
        if (!inTime) rows = Math.max(1, rows >> 1);
        inFlight -= 1;
        leave();
      });
    });
  };

  return (request) =>
    new Promise((resolve, reject) => {
      const batch = maxBatchSize > 1 ? readBatchShape(request) : undefined;
      waiting.push({ request, batch, bytes: inputBytes(request), resolve, reject });
      leave();
    });
}

/** Settles the waiters; false: the run was too long. */
async function run(waiters: readonly Waiter[], infer: Infer): Promise<boolean> {
  const [first] = waiters as [Waiter];
  if (waiters.length === 1) {
    await infer(first.request).then(first.resolve, first.reject);
    return true;
  }
  const requests = waiters.map(({ request }) => request);
  try {
    const inputs = joinInputs(requests, (bytes) => new SharedArrayBuffer(bytes));
    const { outputs, ...rest } = await infer({ ...first.request, inputs });
    const parts = splitOutputs(
      outputs,
      waiters.map(({ batch }) => batch!.rows),
    );
    if (!parts) throw new ServiceError('model_failed', 'an output has no row for each row of the inputs');
    for (const [index, waiter] of waiters.entries()) waiter.resolve({ ...rest, outputs: parts[index]! });
    return true;
  } catch (error) {
    if (error instanceof ServiceError && !error.retryable) {
      for (const waiter of waiters) await infer(waiter.request).then(waiter.resolve, waiter.reject);
      return true;
    }
    for (const waiter of waiters) waiter.reject(error);
    return !(error instanceof ServiceError && error.code === 'deadline_exceeded');
  }
}
