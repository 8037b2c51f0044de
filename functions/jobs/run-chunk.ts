import type { Model } from '../registry/model-manifest.ts';
import type { Services } from '../services.ts';
import type { Infer } from '../tasks/task.ts';
import { textGeneration } from '../tasks/task-names.ts';
import { type Answer, answerByTask, answerRecord } from './answer-record.ts';
import { type ChunkOutcomes, openOutcomes } from './chunk-outcomes.ts';
import { type ChunkPart, describePart, findPart, openPart, writePart } from './chunk-part.ts';
import { inOrder } from './in-order.ts';
import type { Job } from './job.ts';
import { type ChunkDone, stands } from './job-chunk.ts';
import type { WholePlan } from './job-chunks.ts';
import { joinRuns } from './join-runs.ts';
import { createPatience, defaultWaits, HostAway } from './patience.ts';
import { type JobRecord, readRecords, SourceGone } from './read-records.ts';

export interface Running
  extends Pick<
    Services,
    'infer' | 'readModel' | 'findData' | 'listData' | 'streamData' | 'writeData' | 'writeDataStream'
  > {
  /** What the API's path answers to a body, as a job with an `endpoint` has it. Throws what the path answers as an error. */
  answerEndpoint(endpoint: string, body: unknown, deadline: number): Promise<unknown>;
  /** What a model that generates texts answers to `{ inputs, parameters }`. */
  continueText(model: Model, input: unknown, deadline: number): Promise<unknown>;
  /** Milliseconds between the tries of a run whose host is away. */
  readonly hostWaits?: readonly number[];
}

export interface ChunkWork {
  readonly job: Job;
  readonly plan: WholePlan;
  readonly chunk: number;
  /** Number of the claim under which it is done. */
  readonly claim: number;
}

/** Kept of an invocation's time for the runs that have begun and for writing down. */
const reserveMilliseconds = 75_000;
/** Seconds of one run, or of one request to an endpoint: those of InvokeEndpoint. */
const runSeconds = 60;
/** Bytes of inputs that are worked on at once, as read: pictures become several times larger. */
const maxInputBytes = 8 * 2 ** 20;

/**
 * Answers the records of a chunk and writes its part; undefined: the time is over, and what is done is put aside. A part
 * that another worker has written stands, and a part with failed records that are to be run again is mended.
 */
export async function runChunk(
  work: ChunkWork,
  effects: Running,
  deadline: number,
): Promise<Omit<ChunkDone, 'finishedAt'> | undefined> {
  const { plan, chunk, claim } = work;
  const { job } = work.job;
  const { records } = plan.sources[chunk]!;
  const outcomes = await openOutcomes(work.job, chunk, effects);
  for (;;) {
    const part = await findPart(job, chunk, effects);
    const described = part && (await describePart({ job, chunk, records }, part, effects));
    if (described && stands(described, work.job)) return described;
    if (outcomes.count() < records && !(await answerRest(work, { outcomes, part }, effects, deadline))) {
      return undefined;
    }
    await writePart(work.job, chunk, claim, { outcomes, replaces: part?.etag }, effects);
  }
}

/** False: the time is over. What is done by then, or by the time when the host goes away, is put aside. */
async function answerRest(
  { job, plan, chunk }: ChunkWork,
  { outcomes, part }: { outcomes: ChunkOutcomes; part: ChunkPart | undefined },
  effects: Running,
  deadline: number,
): Promise<boolean> {
  const { key, records } = plan.sources[chunk]!;
  const until = deadline - reserveMilliseconds;
  const model = plan.model === undefined ? undefined : await effects.readModel(plan.model, plan.modelVersion!);
  const answer = createAnswer(model ?? plan.endpoint!, effects, until);
  const kept = part && (await openPart(job.job, chunk, part, effects));
  const items = itemsOf(readRecords(plan.sources[chunk]!, plan, effects), outcomes.count(), kept);
  let late = false;
  const begun = inOrder(
    items,
    ({ record, index, line }) => {
      if (line !== undefined) return Promise.resolve({ failed: false, line });
      return answerRecord(record, { chunk, record: index }, answer);
    },
    {
      most: { count: recordsAtOnce(model), weight: maxInputBytes },
      weigh: ({ record }) => record.bytes,
      // One at least: what begins late does not come again for nothing.
      stopped: (count) => (late = count > 0 && Date.now() > until),
    },
  );
  try {
    for await (const outcome of begun) await outcomes.add(outcome);
  } catch (error) {
    if (error instanceof HostAway) await outcomes.putAside();
    throw error;
  }
  if (late) await outcomes.putAside();
  else if (outcomes.count() !== records) {
    throw new SourceGone(`'${key}' has ${outcomes.count()} records where ${records} were planned`);
  }
  return !late;
}

interface Item {
  readonly record: JobRecord;
  readonly index: number;
  /** Its line of the part that is mended. */
  readonly line?: string;
}

/** The records from the one that is to be done next, each with its line where it has succeeded before. */
async function* itemsOf(
  records: AsyncGenerator<JobRecord>,
  from: number,
  kept?: Awaited<ReturnType<typeof openPart>>,
): AsyncGenerator<Item> {
  let index = 0;
  for await (const record of records) {
    const line = kept && !kept.failed.has(index) ? (await kept.lines.next()).value : undefined;
    if (index >= from) yield { record, index, ...(line && { line: line.bytes.toString('utf8') }) };
    index += 1;
  }
}

export function createAnswer(asked: Model | string, effects: Running, until: number): Answer {
  const { infer, answerEndpoint, continueText, hostWaits: waits = defaultWaits } = effects;
  const patiently = createPatience({ waits, until });
  const soon = () => Date.now() + runSeconds * 1000;
  if (typeof asked === 'string') return (body) => patiently(() => answerEndpoint(asked, body, soon()));
  if (asked.manifest.task === textGeneration) return (input) => patiently(() => continueText(asked, input, soon()));
  const once: Infer = async (request) => (await infer(asked, request, soon())).response;
  const joined = joinRuns(asked.manifest.maxBatchSize, once);
  // A run that failed with others in it may have failed because of one of them.
  const alone = joinRuns(1, once);
  return answerByTask(asked, (request) =>
    patiently(
      () => joined(request),
      () => alone(request),
    ),
  );
}

/** Enough for a run on the host, one on its way, and records that are prepared meanwhile. */
export function recordsAtOnce(model: Model | undefined): number {
  return Math.max(16, 4 * Math.min(model?.manifest.maxBatchSize ?? 0, 128));
}
