import { ServiceError } from '../../errors.ts';
import { log } from '../../log.ts';
import { rawKey } from '../../storage/object-keys.ts';
import { decide } from './decide.ts';
import { finish, writeError } from './finish.ts';
import { listUnits } from './list-units.ts';
import { type DefinitionUpload, planRun } from './plan.ts';
import { type Effects, type Run, runKey, runStateSchema, uploadSchema, type Work } from './run.ts';
import { scanItem } from './scan-item.ts';
import { shardItem } from './shard-item.ts';
import { beginStage, doItem } from './stages.ts';
import { unitItem } from './unit-item.ts';

/** One delivery of a message, and how long its worker has. */
export interface Delivery {
  readonly messageId: string;
  /** It is not worked on again. */
  readonly last: boolean;
  /** No attempt is left, and the last one could not tell of itself. */
  readonly noAnswer?: Error;
  /** A point in time, in milliseconds since the epoch. */
  readonly deadline: number;
  now(): number;
}

/**
 * dataset.json was uploaded: begins to prepare what lies beside it. What cannot work ends in `prepared/<dataset>/error.json`;
 * what may succeed later is thrown. May come twice, and in any order.
 */
export async function planDataset(upload: DefinitionUpload, delivery: Delivery, effects: Effects): Promise<void> {
  const { sequencer, uploadedAt: createdAt, dataset } = upload;
  const told = (error: ServiceError) => writeError({ dataset }, { sequencer, createdAt }, error, effects);
  const worker = { effects, deadline: delivery.deadline, now: delivery.now, owner: delivery.messageId };
  await orTell(async () => void (await planRun(upload, worker)), delivery, told);
}

/** Does a part of a run that another worker has sent; nothing where another dataset.json has overtaken the run. */
export async function continueRun(work: Work, delivery: Delivery, effects: Effects): Promise<void> {
  const [state, upload] = await Promise.all([
    readJson(runKey(work, 'run.json'), effects),
    readJson(runKey(work, 'upload.json'), effects),
  ]);
  const { definition, hashes } = runStateSchema.parse(state);
  const { etag, sequencer, createdAt } = uploadSchema.parse(upload);
  const current = await effects.findData(rawKey(work.dataset, 'dataset.json'));
  if (current?.etag !== etag) return log('info', 'a run was overtaken by another dataset.json');
  const { deadline, now, messageId: owner } = delivery;
  const run: Run = { work, definition, hashes, effects, deadline, now, owner };
  await orTell(
    () => runStage(run),
    delivery,
    (error) => writeError(work, { sequencer, createdAt }, error, effects),
  );
}

async function readJson(key: string, effects: Effects): Promise<unknown> {
  const bytes = await effects.readData(key);
  if (!bytes) throw new Error('the state of a run is gone');
  return JSON.parse(bytes.toString('utf8'));
}

async function runStage(run: Run): Promise<void> {
  const { stage, item } = run.work;
  if (stage === 'scan' && item) return await doItem(run, (line, number) => scanItem(run, line, number));
  if (stage === 'units' && item) return await doItem(run, (line, number) => unitItem(run, line, number));
  if (stage === 'shards' && item) return await doItem(run, (line) => shardItem(run, line));
  if (stage === 'units') return await beginStage(run, stage, () => listUnits(run));
  if (stage === 'shards') return await beginStage(run, stage, () => decide(run));
  if (stage === 'finish') return await finish(run);
}

/** Tells a person of what will never succeed, and of what has failed for the last time. */
async function orTell(
  does: () => Promise<void>,
  { last, noAnswer }: Delivery,
  tell: (error: ServiceError) => Promise<void>,
): Promise<void> {
  if (noAnswer) {
    return await tell(new ServiceError('internal', `${noAnswer.message}: its files may be too large or malformed`));
  }
  try {
    await does();
  } catch (error) {
    const isFinal = error instanceof ServiceError && !error.retryable;
    if (isFinal) return await tell(error);
    if (last)
      await tell(new ServiceError('internal', 'the preparation failed again and again: npm run dead-letters says why'));
    throw error;
  }
}
