/** The worker thread that runs tasks: what they compute would block the event loop. Their models run elsewhere. */
import { parentPort } from 'node:worker_threads';
import { ServiceError } from '../errors.ts';
import type { InferResponse } from '../inference/protocol.ts';
import { describeError } from '../log.ts';
import type { Model } from '../registry/model-manifest.ts';
import { findTask } from '../tasks/index.ts';
import { type Infer, runTask } from '../tasks/task.ts';
import { type ThreadAnswer, type ThreadFailure, type ThreadRequest, withoutSurroundings } from './thread-messages.ts';

class RunFailed extends Error {}

const port = parentPort!;
const models = new Map<number, Model>();
/** What waits for a run of the model, by call and run. */
const waiting = new Map<string, PromiseWithResolvers<InferResponse>>();

port.on('message', (request: ThreadRequest) => {
  if (request.kind === 'forget') return void models.delete(request.modelId);
  if (request.kind === 'task') return void answer(request);
  const key = `${request.call} ${request.run}`;
  const run = waiting.get(key);
  waiting.delete(key);
  if (request.response) run?.resolve(request.response);
  else run?.reject(new RunFailed());
});

async function answer({ call, input, modelId, model: given }: ThreadRequest & { kind: 'task' }): Promise<void> {
  let runs = 0;
  const infer: Infer = (request) => {
    const run = runs++;
    const answered = Promise.withResolvers<InferResponse>();
    waiting.set(`${call} ${run}`, answered);
    send({ kind: 'infer', call, run, request: { ...request, inputs: withoutSurroundings(request.inputs) } });
    return answered.promise;
  };
  try {
    if (given) models.set(modelId, given);
    const model = models.get(modelId)!;
    const output = await runTask(findTask(model.manifest.task)!, input, model, infer);
    send({ kind: 'output', call, output });
  } catch (error) {
    send({ kind: 'failure', call, failure: describe(error) });
  }
}

function describe(error: unknown): ThreadFailure {
  if (error instanceof RunFailed) return { run: true };
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ServiceError)) return { message, cause: describeError(error) };
  return { code: error.code, message, ...(error.cause !== undefined && { cause: describeError(error.cause) }) };
}

function send(answer: ThreadAnswer): void {
  port.postMessage(answer);
}
