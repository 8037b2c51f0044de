import * as z from 'zod';
import type { Twins } from './duplicates.ts';
import type { Block, RecordTable } from './record-table.ts';
import type { Splits } from './split.ts';

/** What a shard holds at most. */
const maxRecords = 1000;
const maxBytes = 32 * 2 ** 20;

/** A shard mixes what lies in so many places of the data set. */
const places = 16;

const count = z.int().min(0);

/** A shard that is to be made of records of these blocks. */
export const shardPlanSchema = z.object({
  split: z.string(),
  /** Of the shards of its split, from 0. */
  number: count,
  pieces: z.array(
    z.object({
      path: z.string(),
      start: count,
      end: count,
      /** Places of the records among those between start and end; of twins with their number. */
      take: z.array(z.union([count, z.tuple([count, count])])),
    }),
  ),
});

export type ShardPlan = z.infer<typeof shardPlanSchema>;

interface OpenPiece {
  readonly block: number;
  readonly first: number;
  last: number;
  readonly take: ShardPlan['pieces'][number]['take'];
}

interface OpenShard {
  number: number;
  records: number;
  bytes: number;
  pieces: OpenPiece[];
}

export interface ShardInputs {
  readonly table: RecordTable;
  readonly blocks: readonly Block[];
  readonly splits: Splits;
  readonly names: readonly string[];
  readonly twins: Twins;
  /** Changed copies of each record of `train`. */
  readonly copies: number;
}

/** The shards of all splits, each as soon as it is full. */
export function* planShards(inputs: ShardInputs): Generator<ShardPlan> {
  const { table, blocks, splits, names, twins, copies } = inputs;
  const open = names.map((): OpenShard => ({ number: 0, records: 0, bytes: 0, pieces: [] }));
  const close = (split: number): ShardPlan => {
    const shard = open[split]!;
    const pieces = shard.pieces.map((piece) => toPiece(piece, table, blocks));
    open[split] = { number: shard.number + 1, records: 0, bytes: 0, pieces: [] };
    return { split: names[split]!, number: shard.number, pieces };
  };
  for (const record of mixedOrder(table, blocks)) {
    const split = splits[record]!;
    const times = names[split] === 'train' ? 1 + copies : 1;
    const bytes = times * table.bytes[record]!;
    const before = open[split]!;
    if (before.records > 0 && (before.records + times > maxRecords || before.bytes + bytes > maxBytes))
      yield close(split);
    const shard = open[split]!;
    shard.records += times;
    shard.bytes += bytes;
    addTo(shard, record, table, twins);
  }
  for (const [split, { records }] of open.entries()) if (records > 0) yield close(split);
}

/** Neighbours of one block are one piece: one read. */
function addTo(shard: OpenShard, record: number, { block }: RecordTable, twins: Twins): void {
  const known = shard.pieces.at(-1);
  const continues = known && known.block === block[record] && record > known.last;
  const piece = continues ? known : { block: block[record]!, first: record, last: record, take: [] };
  if (!continues) shard.pieces.push(piece);
  piece.last = record;
  const twin = twins.get(record);
  piece.take.push(twin === undefined ? record - piece.first : [record - piece.first, twin]);
}

function toPiece({ block, first, last, take }: OpenPiece, { start, bytes }: RecordTable, blocks: readonly Block[]) {
  return { path: blocks[block]!.path, start: start[first]!, end: start[last]! + bytes[last]!, take };
}

/**
 * Records that are kept, a part of one block after a part of another far from it: uploads are often sorted by their labels, and
 * whoever trains on shards one by one should see all of them.
 */
function* mixedOrder({ reasons }: RecordTable, blocks: readonly Block[]): Generator<number> {
  const firsts: number[] = [];
  let total = 0;
  for (const { records } of blocks) {
    firsts.push(total);
    total += records;
  }
  const stride = Math.ceil(blocks.length / places);
  for (let group = 0; group < stride; group++) {
    for (let part = 0; part < places; part++) {
      for (let block = group; block < blocks.length; block += stride) {
        const { records } = blocks[block]!;
        const [from, to] = [part, part + 1].map((share) => firsts[block]! + Math.floor((records * share) / places));
        for (let record = from!; record < to!; record++) if (reasons[record] === 0) yield record;
      }
    }
  }
}
