import type * as z from 'zod';
import { log } from '../../log.ts';
import { readRange, streamRange } from '../read/data-range.ts';
import { splitLines } from '../split-lines.ts';
import { functionName, type Run, runKey, type Stage, stages, toJson, type Work } from './run.ts';

/** Between the deadline and the function's end. */
const claimMarginMilliseconds = 15_000;
/** Messages that are made before they are sent. */
const messagesAtOnce = 100;

/**
 * Begins a stage: writes its list, a line for each item, and sends a message for each line that `isItem`. May run any number of
 * times, also at once.
 */
export async function beginStage(
  run: Run,
  stage: Stage,
  lines: () => AsyncIterable<object>,
  isItem?: (line: string) => boolean,
): Promise<void> {
  const { work, effects } = run;
  const [listKey, begunKey] = [runKey(work, `${stage}/todo.jsonl`), runKey(work, `${stage}/begun.json`)];
  if (await effects.findData(begunKey)) return;
  await claimed(run, `${stage} begin`, async () => {
    if (!(await effects.findData(listKey))) await effects.writeDataStream(listKey, inJsonLines(lines()), {});
    await sendItems(run, stage, isItem);
    await effects.writeData(begunKey, toJson({}), {});
  });
}

/**
 * Goes on where a run has stopped: messages of a run that another dataset.json has overtaken are not done, and that other one may
 * in turn be overtaken by the first. False: the stage has not begun.
 */
export async function resumeStage(run: Run, stage: Stage, isItem?: (line: string) => boolean): Promise<boolean> {
  if (!(await run.effects.findData(runKey(run.work, `${stage}/begun.json`)))) return false;
  if (stage === 'finish') await sendStage(run, stage);
  else await sendItems(run, stage, isItem);
  return true;
}

async function* inJsonLines(lines: AsyncIterable<object>): AsyncGenerator<Buffer> {
  for await (const line of lines) yield toJson(line);
}

/** A message for each item of the stage's list; a stage without items is over at once. */
async function sendItems(run: Run, stage: Stage, isItem: (line: string) => boolean = () => true): Promise<void> {
  const { work, effects } = run;
  const items: { number: number; start: number; end: number }[] = [];
  let number = 0;
  for await (const { text, start, end } of readList(work, stage, effects)) {
    if (isItem(text)) items.push({ number, start, end });
    number += 1;
  }
  const messages = items.map((item): Work => ({ ...work, stage, item: { ...item, count: items.length } }));
  for (let at = 0; at < messages.length; at += messagesAtOnce) {
    await effects.sendWork(functionName, messages.slice(at, at + messagesAtOnce));
  }
  if (items.length === 0) await sendNext(run, stage);
}

/** The lines of a stage's list, and where they stand in it. */
export async function* readList(work: Work, stage: Stage, effects: Run['effects']) {
  const key = runKey(work, `${stage}/todo.jsonl`);
  const object = await effects.findData(key);
  if (!object) throw new Error(`the list of ${stage} is gone`);
  for await (const { bytes, start } of splitLines(streamRange({ key, etag: object.etag }, effects))) {
    yield { text: bytes.toString('utf8'), start, end: start + bytes.length };
  }
}

/**
 * Does an item of a stage, unless it is done, and leaves what `make` gives of it; whoever finds that it was the last begins the
 * next stage. May run any number of times, also at once.
 */
export async function doItem(run: Run, make: (line: unknown, number: number) => Promise<object>): Promise<void> {
  const { work, effects } = run;
  const { stage, item } = work;
  const doneKey = runKey(work, `${stage}/done/${itemName(item!.number)}`);
  if (!(await effects.findData(doneKey))) {
    const listKey = runKey(work, `${stage}/todo.jsonl`);
    const isDone = await claimed(run, `${stage} ${item!.number}`, async () => {
      const list = await effects.findData(listKey);
      if (!list) throw new Error(`the list of ${stage} is gone`);
      const line = await readRange({ key: listKey, etag: list.etag }, effects, item!.start, item!.end);
      const result = await make(JSON.parse(line.toString('utf8')), item!.number);
      await effects.writeData(doneKey, toJson(result), {});
    });
    if (!isDone) return;
  }
  if ((await countDone(run, stage)) === item!.count) await sendNext(run, stage);
}

function itemName(number: number): string {
  return `${String(number).padStart(7, '0')}.json`;
}

async function countDone({ work, effects }: Run, stage: Stage): Promise<number> {
  let count = 0;
  for await (const _ of effects.listData(runKey(work, `${stage}/done/`))) count += 1;
  return count;
}

async function sendNext(run: Run, stage: Stage): Promise<void> {
  const next = stages[stages.indexOf(stage) + 1]!;
  const hasBegun = await run.effects.findData(runKey(run.work, `${next}/begun.json`));
  if (!hasBegun) await sendStage(run, next);
}

async function sendStage({ work: { dataset, run }, effects }: Run, stage: Stage): Promise<void> {
  await effects.sendWork(functionName, [{ dataset, run, stage } satisfies Work]);
}

/** What items of a stage have left, in the order of their numbers. */
export async function* readDone<Result>(
  { work, effects }: Run,
  stage: Stage,
  schema: z.ZodType<Result>,
): AsyncGenerator<{ number: number; result: Result }> {
  const prefix = runKey(work, `${stage}/done/`);
  for await (const { key } of effects.listData(prefix)) {
    const bytes = await effects.readData(key);
    if (!bytes) throw new Error('the result of an item is gone');
    const number = Number.parseInt(key.slice(prefix.length), 10);
    yield { number, result: schema.parse(JSON.parse(bytes.toString('utf8'))) };
  }
}

/** False where another message holds the same work: that one comes again until it is done. */
async function claimed(
  { work, effects, owner, deadline }: Run,
  what: string,
  does: () => Promise<void>,
): Promise<boolean> {
  const name = `${runKey(work, '')}${what}`;
  const claim = await effects.claim(name, owner, deadline + claimMarginMilliseconds);
  if (claim === undefined) {
    log('info', 'another message holds this part of a data set');
    return false;
  }
  try {
    await does();
    return true;
  } finally {
    await effects.releaseClaim(name, claim);
  }
}
