import * as z from 'zod';
import { NoAnswer } from '../no-answer.ts';
import { parseJobKey } from '../storage/object-keys.ts';
import { advanceJob } from './advance-job.ts';
import { type Starting, startJob } from './start-job.ts';
import { giveUpChunk, renderReason, type Working, workOnChunk } from './work-on-chunk.ts';

type Effects = Starting & Working;

/** Brings a job on, or runs one of its chunks. */
const workMessageSchema = z.object({
  job: z.string(),
  attempt: z.int().min(1),
  chunk: z.int().min(0).optional(),
  owner: z.string().optional(),
});

type WorkMessage = z.infer<typeof workMessageSchema>;

/** Undefined: it is none of run-batch's own, but an event of S3. */
export function readWorkMessage(body: string): WorkMessage | undefined {
  const value: unknown = JSON.parse(body);
  return Object(value).job === undefined ? undefined : workMessageSchema.parse(value);
}

/** An object that was made, as S3 tells. */
interface ObjectEvent {
  readonly key: string;
  readonly eventTime: string;
}

export async function workOnMessage(
  message: WorkMessage,
  messageId: string,
  effects: Effects,
  deadline: number,
): Promise<void> {
  const { job: name, attempt, chunk } = message;
  if (chunk !== undefined) return await workOnChunk({ ...message, chunk }, messageId, effects, deadline);
  const job = await effects.findJob(name);
  if (job?.attempt !== attempt) return;
  if (job.status === 'PLANNING') await startJob({ job: name, uploadedAt: job.createdAt, attempt }, effects);
  else await advanceJob(job, effects);
}

export async function workOnUpload({ key, eventTime }: ObjectEvent, effects: Effects): Promise<void> {
  const job = parseJobKey(key);
  if (job !== undefined) await startJob({ job, uploadedAt: eventTime }, effects);
}

/** A chunk whose message is not worked on any more is left out, so that its job ends; a job that is not planned ends. */
export async function giveUpMessage(
  { job: name, attempt, chunk }: WorkMessage,
  error: unknown,
  effects: Effects,
): Promise<void> {
  if (chunk === undefined) return await giveUpPlanning(name, error, effects, attempt);
  const known = error instanceof NoAnswer && (await effects.findJobChunk(name, chunk))?.givenUp?.attempt === attempt;
  if (!known) await giveUpChunk({ job: name, attempt, chunk }, renderReason(error), effects);
  const job = await effects.findJob(name);
  if (job?.attempt === attempt) await advanceJob(job, effects);
}

/** A job that cannot be planned, for a reason that is not its own, ends; redriven, or uploaded again, it is planned. */
export async function giveUpUpload({ key }: ObjectEvent, error: unknown, effects: Effects): Promise<void> {
  const name = parseJobKey(key);
  if (name !== undefined) await giveUpPlanning(name, error, effects);
}

/** Of an `attempt` that is the latest, or of the job as it was uploaded. */
async function giveUpPlanning(name: string, error: unknown, effects: Effects, attempt?: number): Promise<void> {
  const job = await effects.updateJob(name, (current) => {
    if (!current || current.plan || current.status !== 'PLANNING') return current;
    if (attempt !== undefined && attempt !== current.attempt) return current;
    return { ...current, status: 'FINISHING', reason: renderReason(error) };
  });
  if (job) await advanceJob(job, effects);
}
