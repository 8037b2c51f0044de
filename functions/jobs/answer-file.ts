import { type ErrorCode, ServiceError } from '../errors.ts';
import { parseInput } from '../http/parse-input.ts';
import { parseJson, readText } from '../parse-json.ts';
import type { Model } from '../registry/model-manifest.ts';
import type { Services } from '../services.ts';
import { findTask } from '../tasks/index.ts';
import { runOffLoop } from '../threads/run-off-loop.ts';

export interface Answering extends Pick<Services, 'infer'> {
  /** The READY version that `<model>` or `<model>@<alias>` means. Throws model_not_found, model_not_ready. */
  findModel(reference: string): Promise<Model>;
}

interface UploadedFile {
  readonly key: string;
  readonly body: Buffer;
  readonly contentType?: string | undefined;
}

/** What a file's answer says, besides where it came from. */
type Outcome =
  | {
      readonly model: string;
      readonly modelVersion: string;
      readonly task: string;
      readonly output: unknown;
      readonly timings: { readonly totalMilliseconds: number; readonly inferMilliseconds: number };
    }
  | { readonly error: { readonly code: ErrorCode; readonly message: string } };

/** Runs the model's task on a file. What can never succeed is an outcome too; what may succeed later is thrown. */
export async function answerFile(
  reference: string,
  file: UploadedFile,
  effects: Answering,
  deadline: number,
): Promise<Outcome> {
  const started = performance.now();
  let inferMilliseconds = 0;
  try {
    const model = await effects.findModel(reference);
    const task = taskOf(model);
    const input = parseInput(task.input, readInput(file, task.rawBody));
    const output = await runOffLoop(task.name, input, model, async (tensors) => {
      const before = performance.now();
      const { response } = await effects.infer(model, tensors, deadline);
      inferMilliseconds += performance.now() - before;
      return response;
    });
    const { name, version } = model.manifest;
    const totalMilliseconds = round(performance.now() - started);
    const timings = { totalMilliseconds, inferMilliseconds: round(inferMilliseconds) };
    return { model: name, modelVersion: version, task: task.name, output, timings };
  } catch (error) {
    if (!(error instanceof ServiceError) || error.retryable) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}

function taskOf({ manifest }: Model) {
  const task = findTask(manifest.task);
  if (task) return task;
  const what = manifest.task ? 'generates texts, which it does' : 'has no task, so it answers tensors';
  throw new ServiceError('invalid_request', `model ${manifest.name} ${what} over HTTPS only`);
}

/** `{ inputs, parameters }` where the file is JSON by its name or type, else `{ inputs: <the file> }`. */
function readInput({ key, body, contentType }: UploadedFile, rawBody: 'bytes' | 'text'): unknown {
  const isJson = /\.json$/i.test(key) || contentType?.startsWith('application/json');
  if (rawBody === 'bytes' && !isJson) return { inputs: new Uint8Array(body) };
  return isJson ? parseJson(body, 'the file') : { inputs: readText(body, 'the file') };
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
