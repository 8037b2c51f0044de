import { ServiceError } from '../errors.ts';
import type { InferRequest, Tensor } from '../inference/protocol.ts';
import type { InferTimings } from '../services.ts';
import { type Batchable, inputBytes, joinInputs, readBatchShape, splitOutputs, takeBatch } from './batch.ts';
import { checkRequest } from './check-request.ts';
import type { ModelSource } from './model-host.ts';
import type { SequenceStep, SessionMetadata } from './worker-messages.ts';
import { startWorkerThread } from './worker-thread.ts';

/** Inputs of one joined run: activations take many times as much memory. */
const maxBatchBytes = 8 * 1024 * 1024;
/**
 * A joined run is to take no longer than this, by the CPU time that rows took in the last one. What a run costs beside
 * its rows is little by then; a longer one lets callers wait, and activations that outgrow the caches take a fifth longer.
 */
const maxRunMs = 50;
/** Shared memory up to this size is kept from run to run. */
const keptBytes = 16 * 1024 * 1024;
/** Runs that the worker has at a time: one that it computes, and the next, so that it does not wait for this thread. */
const maxRunsInFlight = 2;

/** One loaded model: a worker thread and the queue before it. */
export interface Session {
  readonly metadata: SessionMetadata;
  infer(request: InferRequest, deadline: number): Promise<{ outputs: Tensor[]; timings: InferTimings }>;
  /** One step of a sequence whose state stays with the model; its inputs are the caller's to check. */
  step(request: InferRequest, sequence: SequenceStep, deadline: number): Promise<Tensor[]>;
  /** Frees the state of a sequence, once its last step has ended. */
  forget(id: number): void;
  /** Nothing runs and nothing is queued. */
  idle(): boolean;
  /** Ends with the last of the runs that the worker has now. */
  runEnded(): Promise<void>;
  /** Waits for what is queued and running, then frees the model. */
  close(): Promise<void>;
}

interface Queued extends Batchable {
  readonly request: InferRequest;
  readonly sequence?: SequenceStep;
  readonly queuedAt: number;
  readonly resolve: (result: { outputs: Tensor[]; timings: InferTimings }) => void;
  readonly reject: (error: unknown) => void;
  /** Its caller has been answered. */
  settled: boolean;
}

/** Loads the model into a worker thread of its own. Throws model_failed, and what `source.load` throws. */
export async function openSession(source: ModelSource, onEnd: () => void): Promise<Session> {
  const { graph, externalData } = await source.load();
  const worker = startWorkerThread(source.id);
  worker.ended.then(onEnd);
  const files = [graph, ...externalData.map(({ data }) => data)];
  // Bytes that fill their buffer are handed over; a view of a larger one is copied.
  const owned = files.map(({ buffer, byteLength }) => (buffer.byteLength === byteLength ? buffer : undefined));
  const transfer = owned.filter(
    (buffer): buffer is ArrayBuffer => buffer instanceof ArrayBuffer && buffer.byteLength > 0,
  );
  try {
    const answer = await worker.call({ kind: 'load', graph, externalData }, [...new Set(transfer)]);
    if (!('metadata' in answer)) throw new Error('the worker answered a load with outputs');
    return createSession(source, answer.metadata, worker);
  } catch (error) {
    await worker.close();
    throw error;
  }
}

/**
 * Greedy batching, without a timer: while the worker has its runs requests queue; when one ends, those that fit together
 * are joined into the next. A lone caller never waits.
 */
function createSession(
  source: ModelSource,
  metadata: SessionMetadata,
  worker: ReturnType<typeof startWorkerThread>,
): Session {
  const queue: Queued[] = [];
  const allOutputs = metadata.outputs.map(({ name }) => name);
  let maxRows = source.maxBatchSize;
  let rowMs = Number.POSITIVE_INFINITY;
  /** Not in use now. */
  const memory: SharedArrayBuffer[] = [];
  let runsInFlight = 0;
  /** Ends with the last of the runs in flight. */
  let running: Promise<void> = Promise.resolve();
  let closing = false;

  const idle = () => queue.length === 0 && runsInFlight === 0;

  function allocate(bytes: number): SharedArrayBuffer {
    const kept = memory.pop();
    return kept && bytes <= kept.byteLength ? kept : new SharedArrayBuffer(bytes);
  }

  function startRuns(): void {
    // How many rows fit into a run, the first run tells.
    const most = Number.isFinite(rowMs) ? maxRunsInFlight : 1;
    while (queue.length > 0 && runsInFlight < most) {
      const rows = Math.min(maxRows, Math.floor(maxRunMs / rowMs));
      runsInFlight++;
      const ended = runAll(takeBatch(queue, { rows, bytes: maxBatchBytes })).then(() => {
        runsInFlight--;
        startRuns();
      });
      const before = running;
      running = ended.then(() => before);
    }
  }

  async function runAll(batch: Queued[]): Promise<void> {
    try {
      const { results, computeMs } = await run(
        batch.map(({ request }) => request),
        batch[0]!.sequence,
      );
      const endedAt = performance.now();
      batch.forEach(({ resolve, queuedAt }, index) => {
        const queueNs = toNs(endedAt - queuedAt - computeMs);
        resolve({
          outputs: results[index]!,
          timings: { queueNs, computeNs: toNs(computeMs), batchSize: batch.length },
        });
      });
    } catch (error) {
      // One request can spoil the run that it shares: each gets one of its own, and only the guilty one fails.
      if (batch.length > 1) for (const one of batch) await (one.settled ? undefined : runAll([one]));
      else batch[0]!.reject(error);
    }
  }

  /** The outputs of each request. */
  async function run(
    requests: readonly InferRequest[],
    sequence?: SequenceStep,
  ): Promise<{ results: Tensor[][]; computeMs: number }> {
    const outputs = requests[0]!.outputs?.map(({ name }) => name) ?? allOutputs;
    const inputs = joinInputs(requests, allocate);
    const answer = await worker.call({ kind: 'run', inputs, outputs, ...(sequence && { sequence }) });
    const buffer = inputs[0]?.data.buffer;
    if (buffer instanceof SharedArrayBuffer && buffer.byteLength <= keptBytes) memory.push(buffer);
    if (!('outputs' in answer)) throw new Error('the worker answered a run with metadata');
    const { computeMs } = answer;
    const rows = requests.map(({ inputs }) => inputs[0]?.shape[0] ?? 1);
    rowMs = answer.cpuMs / rows.reduce((sum, count) => sum + count, 0);
    if (requests.length === 1) return { results: [[...answer.outputs]], computeMs };
    const results = splitOutputs(answer.outputs, rows);
    if (results) return { results, computeMs };
    maxRows = 0;
    throw new ServiceError('model_failed', 'dimension 0 of the outputs is not the batch dimension');
  }

  function enqueue(
    request: InferRequest,
    deadline: number,
    sequence?: SequenceStep,
  ): Promise<{ outputs: Tensor[]; timings: InferTimings }> {
    if (closing) throw new ServiceError('model_not_ready', 'the model is being unloaded', { retryAfterSeconds: 1 });
    return new Promise((resolve, reject) => {
      const settle =
        <Value>(how: (value: Value) => void) =>
        (value: Value) => {
          queued.settled = true;
          clearTimeout(timer);
          how(value);
        };
      const queued: Queued = {
        request,
        batch: sequence ? undefined : readBatchShape(request),
        bytes: inputBytes(request),
        queuedAt: performance.now(),
        resolve: settle(resolve),
        reject: settle(reject),
        settled: false,
        ...(sequence && { sequence }),
      };
      const timer = onDeadline(deadline, () => {
        const index = queue.indexOf(queued);
        if (index >= 0) queue.splice(index, 1);
        const state = index >= 0 ? 'the request was waiting for the model' : 'the model was still running';
        queued.reject(new ServiceError('deadline_exceeded', `${state} when its time was over`));
      });
      queue.push(queued);
      // Requests of one event are queued one after the other, in this turn of the event loop.
      queueMicrotask(startRuns);
    });
  }

  return {
    metadata,
    idle,
    runEnded: () => running,
    async infer(request, deadline) {
      checkRequest(request, metadata);
      return await enqueue(request, deadline);
    },
    step: async (request, sequence, deadline) => (await enqueue(request, deadline, sequence)).outputs,
    forget: (id) => void running.then(() => worker.tell({ kind: 'forget', id })),
    async close() {
      closing = true;
      while (!idle()) await running;
      await worker.close();
    },
  };
}

function toNs(milliseconds: number): number {
  return Math.round(milliseconds * 1e6);
}

/** Calls at `deadline`, in milliseconds since the epoch. */
export function onDeadline(deadline: number, call: () => void): NodeJS.Timeout {
  // A longer delay would fire at once.
  return setTimeout(call, Math.min(deadline - Date.now(), 2 ** 31 - 1));
}
