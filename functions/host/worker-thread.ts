import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ServiceError } from '../errors.ts';
import type { WorkerAnswer, WorkerRequest } from './worker-messages.ts';

export interface WorkerThread {
  /** Calls are answered in their order. Throws what the worker answers as an error, and host_unavailable where it ends. */
  call(request: WorkerRequest, transfer?: ArrayBuffer[]): Promise<Exclude<WorkerAnswer, { error: unknown }>>;
  /** For what is not answered. */
  tell(request: WorkerRequest): void;
  /** Lets the worker release its model and end. Never `terminate()`: in the middle of a run that aborts the process. */
  close(): Promise<void>;
  readonly ended: Promise<void>;
}

/** Starts `session-worker`, from source (.ts) as well as from a bundle (.mjs). It keeps the process up only while it works. */
export function startWorkerThread(name: string): WorkerThread {
  const entry = new URL(`./session-worker${extname(new URL(import.meta.url).pathname)}`, import.meta.url);
  const worker = new Worker(entry, { name });
  const ended = Promise.withResolvers<void>();
  const waiting: PromiseWithResolvers<WorkerAnswer>[] = [];
  let alive = true;
  let failure: unknown;
  const unavailable = () =>
    new ServiceError('host_unavailable', 'the thread that runs the model ended', { cause: failure });

  worker.unref();
  worker.on('message', (answer: WorkerAnswer) => {
    waiting.shift()?.resolve(answer);
    if (waiting.length === 0) worker.unref();
  });
  worker.on('error', (error) => {
    failure = error;
  });
  worker.on('exit', () => {
    alive = false;
    ended.resolve();
    for (const call of waiting) call.reject(unavailable());
  });

  return {
    ended: ended.promise,
    async call(request, transfer = []) {
      if (!alive) throw unavailable();
      const call = Promise.withResolvers<WorkerAnswer>();
      worker.postMessage(request, transfer);
      waiting.push(call);
      worker.ref();
      const answer = await call.promise;
      if ('error' in answer) throw new ServiceError(answer.error.code, answer.error.message);
      return answer;
    },
    tell: (request) => worker.postMessage(request),
    close() {
      worker.ref();
      worker.postMessage({ kind: 'close' } satisfies WorkerRequest);
      return ended.promise;
    },
  };
}
