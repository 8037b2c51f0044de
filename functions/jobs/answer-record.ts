import { ServiceError } from '../errors.ts';
import { parseInput } from '../http/parse-input.ts';
import { describeError, log } from '../log.ts';
import type { Model } from '../registry/model-manifest.ts';
import { findTask } from '../tasks/index.ts';
import { type Infer, runTask } from '../tasks/task.ts';
import { HostAway } from './patience.ts';
import type { JobRecord } from './read-records.ts';
import type { ErrorLine, ResultLine } from './result-lines.ts';

/** Most characters of a line of results: readers hold a line whole. */
const maxLineLength = 15_000_000;

/** What becomes of a record: a line of the results or of the errors. */
export interface Outcome {
  readonly failed: boolean;
  readonly line: string;
}

/** The answer to what a record's `input` is. */
export type Answer = (input: unknown) => Promise<unknown>;

/** By the task of a model. */
export function answerByTask(model: Model, infer: Infer): Answer {
  const task = findTask(model.manifest.task)!;
  return async (input) => runTask(task, parseInput(task.input, input), model, infer);
}

/** Never throws but for HostAway: every record has an outcome. */
export async function answerRecord(
  { customId, input, error, label, group, source }: JobRecord,
  place: { readonly chunk: number; readonly record: number },
  answer: Answer,
): Promise<Outcome> {
  const about = { label, group, source };
  try {
    if (error) throw error;
    const result: ResultLine = { custom_id: customId, output: await answer(input), ...about };
    const line = JSON.stringify(result);
    if (line.length <= maxLineLength) return { failed: false, line };
    const message = `the answer has ${line.length} characters; ${maxLineLength} are allowed`;
    throw new ServiceError('payload_too_large', message);
  } catch (cause) {
    if (cause instanceof HostAway) throw cause;
    if (!(cause instanceof ServiceError)) log('error', 'a record failed', { error: describeError(cause) });
    const { code, message } = cause instanceof ServiceError ? cause : unforeseen;
    const result: ErrorLine = { custom_id: customId, error: { code, message }, ...about, ...place };
    return { failed: true, line: JSON.stringify(result) };
  }
}

const unforeseen = { code: 'internal', message: 'an unexpected error occurred; the log of run-batch has it' };
