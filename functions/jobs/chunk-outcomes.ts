import { splitLines } from '../datasets/split-lines.ts';
import type { Services } from '../services.ts';
import { chunkPieceKey, chunkPiecesPrefix } from '../storage/object-keys.ts';
import type { Outcome } from './answer-record.ts';

type Effects = Pick<Services, 'listData' | 'findData' | 'streamData' | 'writeData'>;

/** Outcomes that are held in memory before they are put aside. */
const maxHeldBytes = 32 * 2 ** 20;

/** The outcomes of a chunk so far, in the order of its records: those put aside as objects, and those in memory. */
export interface ChunkOutcomes {
  /** Records that have an outcome. */
  count(): number;
  failed(): number;
  add(outcome: Outcome): Promise<void>;
  /** Puts aside what is in memory, so that another invocation goes on from there. */
  putAside(): Promise<void>;
  /** Lines of the results, or of the errors, each with its end. */
  lines(failed: boolean): AsyncGenerator<Buffer>;
}

const [success, failure] = [0x2b, 0x2d]; // + and -: what a line of a piece begins with

/** What earlier invocations of this attempt have put aside is taken up. */
export async function openOutcomes(
  job: { readonly job: string; readonly attempt: number },
  chunk: number,
  effects: Effects,
): Promise<ChunkOutcomes> {
  const prefix = chunkPiecesPrefix(job.job, chunk, job.attempt);
  const pieces: string[] = [];
  for await (const { key } of effects.listData(prefix)) pieces.push(key);
  const last = pieces.at(-1);
  const { to, failed: failedBefore } = last === undefined ? { to: 0, failed: 0 } : await readEnd(last, effects);
  let [from, failed] = [to, failedBefore];
  let held: Outcome[] = [];
  let heldBytes = 0;

  async function putAside(): Promise<void> {
    if (held.length === 0) return;
    const body = Buffer.from(held.map((one) => `${one.failed ? '-' : '+'}${one.line}\n`).join(''));
    const key = chunkPieceKey(prefix, from);
    const end = { sequencer: `${from + held.length}.${failed}`, contentType: 'application/x-ndjson' };
    if (!(await effects.writeData(key, body, end))) throw new Error(`${key} was written by another worker`);
    pieces.push(key);
    from += held.length;
    [held, heldBytes] = [[], 0];
  }

  return {
    count: () => from + held.length,
    failed: () => failed,
    putAside,
    async add(outcome) {
      held.push(outcome);
      heldBytes += outcome.line.length;
      if (outcome.failed) failed += 1;
      if (heldBytes > maxHeldBytes) await putAside();
    },
    async *lines(wanted) {
      const first = wanted ? failure : success;
      for (const key of pieces) {
        for await (const { bytes } of splitLines((await effects.streamData(key))!)) {
          if (bytes[0] === first) yield Buffer.concat([bytes.subarray(1), newline]);
        }
      }
      for (const one of held) if (one.failed === wanted) yield Buffer.from(`${one.line}\n`);
    },
  };
}

const newline = Buffer.from('\n');

/** The record after a piece, and how many of all before that have failed. */
async function readEnd(key: string, { findData }: Effects): Promise<{ to: number; failed: number }> {
  const [to = 0, failed = 0] = ((await findData(key))?.sequencer ?? '').split('.').map(Number);
  return { to, failed };
}
