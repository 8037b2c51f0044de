import { availableParallelism } from 'node:os';
import type { Model } from '../registry/model-manifest.ts';
import { toFileOutput } from '../tasks/file-output.ts';
import { tasks } from '../tasks/index.ts';
import { type Infer, runTask } from '../tasks/task.ts';
import type { TaskName } from '../tasks/task-names.ts';
import { startTaskThread, type TaskThread } from './task-thread.ts';

/** What is smaller is computed faster than a thread is asked, and within a few milliseconds. */
const smallBytes = 4096;

const threads: TaskThread[] = [];

/**
 * Runs the task of `model`, off the event loop where its input is not small: pictures, sounds and long texts take tens of
 * milliseconds and more, in which no other caller would be heard. `infer` is called on this thread.
 */
export async function runOffLoop(task: TaskName, input: unknown, model: Model, infer: Infer): Promise<unknown> {
  if (countBytes(input) <= smallBytes) return await runTask(tasks[task], input, model, infer);
  const output = await chooseThread().run(input, model, infer);
  // What is more than its bytes does not travel between threads.
  return output instanceof Uint8Array ? toFileOutput(output) : output;
}

/** The thread with the least to do; a new one where all are busy and there may be more. */
function chooseThread(): TaskThread {
  const [freest] = threads.sort((a, b) => a.tasks - b.tasks);
  if (freest && (freest.tasks === 0 || threads.length >= Math.max(1, availableParallelism() - 1))) return freest;
  const thread = startTaskThread(() => threads.splice(threads.indexOf(thread), 1));
  threads.push(thread);
  return thread;
}

/** Bytes and characters of an input, roughly. */
function countBytes(input: unknown): number {
  if (typeof input === 'string') return input.length;
  if (input instanceof Uint8Array) return input.length;
  if (typeof input !== 'object' || input === null) return 8;
  return Object.values(input).reduce((sum: number, value) => sum + countBytes(value), 0);
}
