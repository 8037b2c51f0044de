import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ServiceError } from '../errors.ts';
import type { Model } from '../registry/model-manifest.ts';
import type { Infer } from '../tasks/task.ts';
import { type ThreadAnswer, type ThreadFailure, type ThreadRequest, withoutSurroundings } from './thread-messages.ts';

/** Models that a thread keeps, with their tokenizers. */
const keptModels = 20;

export interface TaskThread {
  /** Tasks under way. */
  readonly tasks: number;
  /** Runs the task of `model`; its runs of the model call `infer` here. Throws what the task throws, or `infer`. */
  run(input: unknown, model: Model, infer: Infer): Promise<unknown>;
}

interface Call extends PromiseWithResolvers<unknown> {
  readonly infer: Infer;
  /** What `infer` threw. */
  failure?: unknown;
}

const modelIds = new WeakMap<Model, number>();
let lastModelId = 0;

/** Starts `task-worker`, from source (.ts) as well as from a bundle (.mjs). It keeps the process up only while it works. */
export function startTaskThread(onEnd: () => void): TaskThread {
  const entry = new URL(`./task-worker${extname(new URL(import.meta.url).pathname)}`, import.meta.url);
  const worker = new Worker(entry, { name: 'tasks' });
  const calls = new Map<number, Call>();
  /** Ids of models that the thread has, the least recently used first. */
  const known = new Set<number>();
  let lastCall = 0;
  let reason: unknown;
  const send = (request: ThreadRequest) => worker.postMessage(request);

  worker.unref();
  worker.on('message', (answer: ThreadAnswer) => {
    const call = calls.get(answer.call);
    if (!call) return;
    if (answer.kind === 'infer') return void forward(answer, call);
    if (answer.kind === 'output') call.resolve(answer.output);
    else call.reject('run' in answer.failure ? call.failure : toError(answer.failure));
  });
  worker.on('error', (error) => {
    reason = error;
  });
  worker.on('exit', () => {
    onEnd();
    const message = 'the thread that prepares inputs ended';
    for (const call of calls.values()) call.reject(new ServiceError('host_unavailable', message, { cause: reason }));
  });

  async function forward({ call: id, run, request }: ThreadAnswer & { kind: 'infer' }, call: Call): Promise<void> {
    try {
      const response = await call.infer(request);
      send({
        kind: 'answer',
        call: id,
        run,
        response: { ...response, outputs: withoutSurroundings(response.outputs) },
      });
    } catch (error) {
      call.failure = error;
      send({ kind: 'answer', call: id, run });
    }
  }

  /** The model's id, with the model where the thread does not have it; the oldest of too many is forgotten. */
  function introduce(model: Model): { modelId: number; model?: Model } {
    const modelId = modelIds.get(model) ?? ++lastModelId;
    modelIds.set(model, modelId);
    const isNew = !known.delete(modelId);
    known.add(modelId);
    const [oldest] = known;
    if (known.size > keptModels && oldest !== undefined) {
      known.delete(oldest);
      send({ kind: 'forget', modelId: oldest });
    }
    return isNew ? { modelId, model } : { modelId };
  }

  return {
    get tasks() {
      return calls.size;
    },
    async run(input, model, infer) {
      const id = ++lastCall;
      const call: Call = { ...Promise.withResolvers<unknown>(), infer };
      calls.set(id, call);
      worker.ref();
      try {
        send({ kind: 'task', call: id, input, ...introduce(model) });
        return await call.promise;
      } finally {
        calls.delete(id);
        if (calls.size === 0) worker.unref();
      }
    },
  };
}

function toError(failure: Exclude<ThreadFailure, { run: true }>): Error {
  const { code, message, cause } = failure;
  return code ? new ServiceError(code, message, { cause }) : new Error(message, { cause });
}
