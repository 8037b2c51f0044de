import { splitLines } from '../datasets/split-lines.ts';
import type { ChunkSource } from './job-chunks.ts';
import { isBlank } from './read-records.ts';

/** A chunk is read, answered and written by one invocation: enough to be worth it, and progress can be watched. */
const most = { records: 1000, bytes: 8 * 2 ** 20 };
const least = { chunks: 20, records: 20 };
/** A plan is held whole. */
const maxChunks = 20_000;
const pieceRecords = 20;

/** Lines that stay together. */
interface Piece {
  readonly start: number;
  readonly firstLine: number;
  end: number;
  records: number;
}

/**
 * JSONL → ranges of whole lines, of about as many records each. Blank lines are no records. Throws what `visit` throws, which
 * is given each record's line and its number, from 1.
 */
export async function scanLines(
  chunks: AsyncIterable<Uint8Array>,
  { key, etag, size }: { key: string; etag: string; size: number },
  visit: (line: Buffer, number: number) => void = () => {},
): Promise<ChunkSource[]> {
  const pieces = await findPieces(chunks, size, visit);
  const records = pieces.reduce((sum, piece) => sum + piece.records, 0);
  const perChunk = Math.max(
    Math.min(most.records, Math.max(least.records, Math.ceil(records / least.chunks))),
    Math.ceil(records / maxChunks),
  );
  const perChunkBytes = Math.max(most.bytes, Math.ceil(size / maxChunks));
  const joined: Piece[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    const fits = last && last.records + piece.records <= perChunk && piece.end - last.start <= perChunkBytes;
    if (fits) Object.assign(last, { end: piece.end, records: last.records + piece.records });
    else joined.push({ ...piece });
  }
  return joined.map(({ records, start, end, firstLine }) => ({ key, records, range: { start, end, etag, firstLine } }));
}

async function findPieces(
  chunks: AsyncIterable<Uint8Array>,
  size: number,
  visit: (line: Buffer, number: number) => void,
): Promise<Piece[]> {
  const pieces: Piece[] = [];
  let number = 0;
  for await (const { bytes, start } of splitLines(chunks)) {
    number += 1;
    if (isBlank(bytes)) continue;
    visit(bytes, number);
    let last = pieces.at(-1);
    if (!last || last.records === pieceRecords) {
      last = { start, firstLine: number, end: start, records: 0 };
      pieces.push(last);
    }
    last.records += 1;
    last.end = Math.min(size, start + bytes.length + 1);
  }
  return pieces;
}
