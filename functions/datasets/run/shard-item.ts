import { createHash } from 'node:crypto';
import * as z from 'zod';
import { ServiceError } from '../../errors.ts';
import { preparedKey, rawKey } from '../../storage/object-keys.ts';
import { augmentRecord } from '../augment/augment-record.ts';
import type { Synonyms } from '../augment/augment-text.ts';
import { type ShardPlan, shardPlanSchema } from '../decide/plan-shards.ts';
import type { PreparedRecord } from '../prepared-record.ts';
import { streamRange } from '../read/data-range.ts';
import { shardFormatOf, taskRecords } from '../record-kinds.ts';
import { encodeRecord, readShard, shardEnd } from '../shard.ts';
import { type Run, runKey } from './run.ts';
import { type Sample, sampleSchema, toSample } from './sample.ts';

const count = z.int().min(0);
/** Of the first shard of each split, so many records are shown, and so many changed copies. */
const samplesOfShard = 6;
const maxTwins = 0xffff_ffff;

export const shardResultSchema = z.object({
  split: z.string(),
  number: count,
  key: z.string(),
  records: count,
  augmented: count,
  bytes: count,
  sha256: z.string(),
  kept: z.array(sampleSchema),
  made: z.array(sampleSchema),
});

/** Makes one shard: the records of its plan, and of the split `train` their changed copies, in the order of their ids. */
export async function shardItem(run: Run, line: unknown): Promise<z.infer<typeof shardResultSchema>> {
  const plan = shardPlanSchema.parse(line);
  const { definition, effects, work } = run;
  const kind = taskRecords[definition.task].record;
  const format = shardFormatOf(kind);
  const records = await readPieces(run, plan);
  const copies = plan.split === 'train' && definition.augment ? await makeCopies(run, records) : [];
  const all = [...records, ...copies].sort((a, b) => (a.id < b.id ? -1 : 1));
  const made = Buffer.concat([...all.map((record) => encodeRecord(record, format)), shardEnd(format)]);
  const key = preparedKey(work.dataset, `${work.run}/${plan.split}-${String(plan.number).padStart(5, '0')}.${format}`);
  const contentType = format === 'tar' ? 'application/x-tar' : 'application/jsonl';
  // What another worker has written is what counts, should a decoder of another version make other bytes.
  const isWritten = await effects.writeData(key, made, { contentType });
  const bytes = isWritten ? made : (await effects.readData(key))!;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const { split, number } = plan;
  const samples = number === 0 ? await takeSamples(records, copies, run) : { kept: [], made: [] };
  const sizes = { records: all.length, augmented: copies.length, bytes: bytes.length };
  return { split, number, key, ...sizes, sha256, ...samples };
}

async function readPieces({ work, effects }: Run, { pieces }: ShardPlan): Promise<PreparedRecord[]> {
  const records: PreparedRecord[] = [];
  for (const { path, start, end, take } of pieces) {
    const key = runKey(work, path);
    const object = await effects.findData(key);
    if (!object) throw new Error('the records of a block are gone');
    let [at, next] = [0, 0];
    for await (const record of readShard(key, streamRange({ key, etag: object.etag }, effects, start, end))) {
      const [wanted, twin] = [take[next]].flat();
      if (wanted === at) {
        records.push(twin === undefined ? record : { ...record, id: twinId(record.id, twin) });
        next += 1;
      }
      at += 1;
    }
    if (next !== take.length) throw new Error('a block has other records than were decided on');
  }
  return records;
}

/** Records of the same content that all stay are told apart by their number. */
function twinId(id: string, twin: number): string {
  return id + Math.min(twin, maxTwins).toString(16).padStart(8, '0');
}

async function makeCopies(run: Run, records: readonly PreparedRecord[]): Promise<PreparedRecord[]> {
  const synonyms = await readSynonyms(run);
  const copies: PreparedRecord[] = [];
  for (const record of records)
    copies.push(...(await Array.fromAsync(augmentRecord(record, run.definition, synonyms))));
  return copies;
}

const synonymsSchema = z.record(z.string(), z.array(z.string()).min(1));

async function readSynonyms({ definition, work, effects }: Run): Promise<Synonyms> {
  const { synonyms = {}, synonymsFile } = definition.augment?.text ?? {};
  const table = new Map(Object.entries(synonyms));
  if (synonymsFile !== undefined) {
    const bytes = await effects.readData(rawKey(work.dataset, synonymsFile));
    if (!bytes) {
      throw new ServiceError('invalid_request', `dataset.json names '${synonymsFile}', which was not uploaded`);
    }
    const parsed = synonymsSchema.safeParse(parseJson(bytes));
    if (!parsed.success) {
      throw new ServiceError('invalid_request', `'${synonymsFile}' is no JSON of the form { "word": ["synonym"] }`);
    }
    for (const [word, others] of Object.entries(parsed.data)) table.set(word.toLowerCase(), others);
  }
  return table;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

async function takeSamples(records: readonly PreparedRecord[], copies: readonly PreparedRecord[], run: Run) {
  const kind = taskRecords[run.definition.task].record;
  const some = async (of: readonly PreparedRecord[]): Promise<Sample[]> => {
    const first = of.toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(0, samplesOfShard);
    return await Promise.all(first.map((record) => toSample(record, kind)));
  };
  return { kept: await some(records), made: await some(copies) };
}
