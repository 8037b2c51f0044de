import { type ErrorCode, ServiceError } from '../errors.ts';
import { outOfMemory } from '../host/onnx-reason.ts';
import { zeroTensors } from '../inference/zero-tensors.ts';
import type { Services } from '../services.ts';
import { tasks } from '../tasks/index.ts';
import { type Infer, runTask } from '../tasks/task.ts';
import { textGeneration } from '../tasks/task-names.ts';
import { continueText } from './continue-text.ts';
import type { Model } from './model-manifest.ts';
import { refusal } from './parse-manifest.ts';
import { trialInput } from './trial-input.ts';

/** What a model may take for one small input. */
const trialMilliseconds = 30_000;

/**
 * Lets a trial input go the whole way through the task; without a task zeros go through the graph. Throws invalid_request where preprocessing, the graph and postprocessing do not fit together,
 * and where the graph needs more memory or time than there is.
 */
export async function tryTask(
  model: Model,
  effects: Pick<Services, 'infer' | 'generate'>,
  deadline: number,
): Promise<void> {
  const { task: name } = model.manifest;
  const until = Math.min(deadline, Date.now() + trialMilliseconds);
  const infer: Infer = async (request) => (await effects.infer(model, request, until)).response;
  // Zeros need not be what a graph takes, e.g. as its sample rate; preprocessing makes what it takes.
  if (!name)
    return await attempt(() => infer({ inputs: zeroTensors(model.inputs) }), 'a trial with zeros', ['model_failed']);
  if (name === textGeneration) {
    const run = () => continueText(model, { prompt: { text: 'Once' }, maxTokens: 1 }, effects, until);
    return await attempt(run, 'the model generates no text: a trial', [
      'model_failed',
      'model_rejected_input',
      'invalid_request',
    ]);
  }
  const run = async () => await runTask(tasks[name], tasks[name].input.parse(trialInput(name, model)), model, infer);
  await attempt(run, `the task ${name} does not fit the model: a trial of it`, [
    'model_failed',
    'model_rejected_input',
  ]);
}

/** Throws invalid_request where `run` fails with one of `codes` or does not end; another refusal is about the trial input. */
async function attempt(run: () => Promise<unknown>, what: string, codes: readonly ErrorCode[]): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (codes.includes(error.code) || error.message.startsWith(outOfMemory))
      throw refusal(`${what} failed: ${error.message}`, error);
    if (error.code === 'deadline_exceeded') throw refusal(`${what} did not end: ${error.message}`, error);
    if (error.retryable) throw error;
  }
}
