import type * as z from 'zod';
import type { InferRequest, InferResponse } from '../inference/protocol.ts';
import type { Model } from '../registry/model-manifest.ts';
import type { TaskName } from './task-names.ts';

/** One run of the task's model: the only effect that a task has, and an argument. */
export type Infer = (request: InferRequest) => Promise<InferResponse>;

/**
 * One task, e.g. image-classification. Pure: what it needs of the model is in `model.assets`.
 * `input` describes the JSON form `{ inputs, parameters }`; a raw body of bytes becomes `{ inputs: <Uint8Array> }` before
 * it is parsed (text tasks: a string), and `inputs` given as a base64 string of bytes becomes a Uint8Array by the schema.
 */
export interface WholeTask<Input, Output> {
  readonly name: TaskName;
  /** How a raw (not JSON) request body is read. */
  readonly rawBody: 'bytes' | 'text';
  readonly input: z.ZodType<Input>;
  /** The media type of an output that is bytes; absent: the output is JSON. */
  readonly outputMediaType?: string;
  run(input: Input, model: Model, infer: Infer): Promise<Output>;
}

/** A task whose parts can be used on their own: what comes before its one run of the model, and what comes after. */
export interface Task<Input, Output> extends Omit<WholeTask<Input, Output>, 'run'> {
  preprocess(input: Input, model: Model): Promise<InferRequest>;
  postprocess(response: InferResponse, input: Input, model: Model): Output;
  /** Takes the place of preprocess → infer → postprocess in a task that may run its model several times. */
  run?(input: Input, model: Model, infer: Infer): Promise<Output>;
}

/** The way from an input that its schema let through to the answer: the same for HTTPS, data sets and golden inputs. */
export async function runTask<Input, Output>(
  task: Task<Input, Output> | WholeTask<Input, Output>,
  input: Input,
  model: Model,
  infer: Infer,
): Promise<Output> {
  if (!('preprocess' in task)) return task.run(input, model, infer);
  if (task.run) return task.run(input, model, infer);
  return task.postprocess(await infer(await task.preprocess(input, model)), input, model);
}
