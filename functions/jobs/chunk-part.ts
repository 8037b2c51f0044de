import { createHash } from 'node:crypto';
import { splitLines } from '../datasets/split-lines.ts';
import type { Services } from '../services.ts';
import { chunkErrorsKey, partKey } from '../storage/object-keys.ts';
import type { ChunkOutcomes } from './chunk-outcomes.ts';
import type { Job } from './job.ts';
import type { ChunkDone } from './job-chunk.ts';
import { errorLineSchema } from './result-lines.ts';

type Effects = Pick<Services, 'findData' | 'streamData' | 'writeData' | 'writeDataStream'>;

/** Lines that are written at once; more are written in parts. */
const maxWholeBytes = 8 * 2 ** 20;
const contentType = 'application/x-ndjson';

/** The part of a chunk that is there. */
export interface ChunkPart {
  readonly etag: string;
  /** Of the outcome that it is half of; the other half are the errors of the same attempt and claim. */
  readonly attempt: number;
  readonly claim: number;
}

export async function findPart(job: string, chunk: number, { findData }: Effects): Promise<ChunkPart | undefined> {
  const object = await findData(partKey(job, chunk));
  if (!object) return undefined;
  const [attempt = 0, claim = 0] = (object.sequencer ?? '').split('.').map(Number);
  return { etag: object.etag, attempt, claim };
}

/** What a part holds, of a chunk of so many records. */
export async function describePart(
  { job, chunk, records }: { job: string; chunk: number; records: number },
  { attempt, claim, etag }: ChunkPart,
  { streamData }: Effects,
): Promise<Omit<ChunkDone, 'finishedAt'>> {
  const hash = createHash('sha256');
  let [bytes, succeeded] = [0, 0];
  for await (const piece of (await streamData(partKey(job, chunk), { etag }))!) {
    hash.update(piece);
    bytes += piece.length;
    for (let at = piece.indexOf(0x0a); at >= 0; at = piece.indexOf(0x0a, at + 1)) succeeded += 1;
  }
  return { attempt, claim, succeeded, failed: records - succeeded, bytes, sha256: hash.digest('hex') };
}

/** Of a part that is to be mended: its lines, and the places of the records that have failed. */
export async function openPart(job: string, chunk: number, part: ChunkPart, { streamData }: Effects) {
  const failed = new Set<number>();
  const errors = await streamData(chunkErrorsKey(job, chunk, part));
  if (!errors) throw new Error(`the errors of chunk ${chunk} of job ${job} have expired`);
  for await (const { bytes } of splitLines(errors)) {
    failed.add(errorLineSchema.parse(JSON.parse(bytes.toString('utf8'))).record);
  }
  const lines = splitLines((await streamData(partKey(job, chunk), { etag: part.etag }))!);
  return { failed, lines };
}

/**
 * Writes both halves of a chunk's outcome: the errors under a key of this claim's own, then the part, which tells the
 * claim. So whichever part stands, its errors are those that belong to it. False: another worker's stands.
 */
export async function writePart(
  { job, attempt }: Job,
  chunk: number,
  claim: number,
  { outcomes, replaces }: { outcomes: ChunkOutcomes; replaces: string | undefined },
  effects: Effects,
): Promise<boolean> {
  if (outcomes.failed() > 0) {
    const key = chunkErrorsKey(job, chunk, { attempt, claim });
    if (!(await writeLines(key, outcomes.lines(true), { contentType }, effects))) {
      throw new Error(`${key} was written by another worker`);
    }
  }
  const condition = { contentType, sequencer: `${attempt}.${claim}`, ...(replaces !== undefined && { replaces }) };
  return await writeLines(partKey(job, chunk), outcomes.lines(false), condition, effects);
}

/** As one object, at once where it is small. */
export async function writeLines(
  key: string,
  lines: AsyncIterable<Buffer>,
  condition: Parameters<Services['writeData']>[2],
  effects: Effects,
): Promise<boolean> {
  const iterator = lines[Symbol.asyncIterator]();
  const held: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    const next = await iterator.next();
    if (next.done) return await effects.writeData(key, Buffer.concat(held), condition);
    held.push(next.value);
    bytes += next.value.length;
    if (bytes > maxWholeBytes) break;
  }
  return await effects.writeDataStream(key, joined(held, iterator), condition);
}

async function* joined(held: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* held;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}
