import * as z from 'zod';
import { ServiceError } from '../../errors.ts';
import type { PreparedRecord } from '../prepared-record.ts';
import { pathClassifier } from '../read/classify-path.ts';
import type { FoundRecord } from '../read/found-record.ts';
import { readUnit } from '../read/read-unit.ts';
import { Dropped, dropReasons, unitSchema } from '../read/unit.ts';
import { shardFormatOf, taskRecords } from '../record-kinds.ts';
import { type CleanRecord, prepareRecord } from '../records/prepare-record.ts';
import { readSideTables } from '../records/side-table.ts';
import { encodeRecord } from '../shard.ts';
import { type Run, runKey, toJson } from './run.ts';
import { type Sample, sampleSchema, toSample } from './sample.ts';

/** Records whose bytes are held before they are written down. */
const blockRecords = 5000;
const blockBytes = 4 * 2 ** 20;
const samplesOfReason = 3;

const count = z.int().min(0);

export const unitResultSchema = z.object({
  /** Records found. */
  in: count,
  blocks: z.array(z.object({ path: z.string(), records: count })),
  dropped: z.partialRecord(z.enum(dropReasons), z.object({ count, samples: z.array(sampleSchema) })),
});

type UnitResult = z.infer<typeof unitResultSchema>;

/** Reads a unit, cleans and transforms its records, and leaves them in blocks with what the decisions need of them. */
export async function unitItem(run: Run, line: unknown, number: number): Promise<UnitResult> {
  const { definition, effects, work } = run;
  const unit = unitSchema.parse(line);
  const tables = await readSideTables(definition, work.dataset, unit, effects);
  const result: UnitResult = { in: 0, blocks: [], dropped: {} };
  const blocks = createBlocks(run, number, result);
  for await (const found of readUnit(unit, pathClassifier(definition), effects)) {
    if (run.now() > run.deadline) throw tooSlow(unit.source);
    result.in += 1;
    try {
      if ('dropped' in found) throw found.dropped;
      await blocks.add(await prepareRecord(found, definition, tables));
    } catch (error) {
      if (!(error instanceof Dropped)) throw error;
      await keepSample(result, error, found.source, 'dropped' in found ? undefined : found, run);
    }
  }
  await blocks.flush();
  return result;
}

/** What cannot end in a function's time will not end next time. */
function tooSlow(source: string): ServiceError {
  return new ServiceError(
    'invalid_request',
    `'${source}' takes longer to read than a function may run: upload it in smaller files, or as a tar or zip archive`,
  );
}

function createBlocks(run: Run, number: number, result: UnitResult) {
  const format = shardFormatOf(taskRecords[run.definition.task].record);
  let [records, facts, bytes]: [Buffer[], Buffer[], number] = [[], [], 0];
  const flush = async () => {
    if (records.length === 0) return;
    const path = `units/${number}/${result.blocks.length}.${format}`;
    await run.effects.writeData(runKey(run.work, path), Buffer.concat(records), {});
    await run.effects.writeData(runKey(run.work, factsPath(path)), Buffer.concat(facts), {});
    result.blocks.push({ path, records: records.length });
    [records, facts, bytes] = [[], [], 0];
  };
  const add = async (clean: CleanRecord) => {
    const encoded = encodeRecord(clean.record, format);
    records.push(encoded);
    facts.push(toJson({ ...clean.facts, bytes: encoded.length }));
    bytes += encoded.length;
    if (records.length >= blockRecords || bytes >= blockBytes) await flush();
  };
  return { add, flush };
}

/** Where the facts of a block's records lie, line by line. */
export function factsPath(blockPath: string): string {
  return `${blockPath}.facts.jsonl`;
}

async function keepSample(
  result: UnitResult,
  { reason, message }: Dropped,
  source: string,
  found: FoundRecord | undefined,
  { definition }: Run,
): Promise<void> {
  const known = result.dropped[reason] ?? { count: 0, samples: [] };
  known.count += 1;
  result.dropped[reason] = known;
  if (known.samples.length >= samplesOfReason) return;
  const inputs = shownInputs(found);
  const sample: Sample =
    inputs === undefined
      ? { source, note: message }
      : await toSample({ id: '', source, inputs }, taskRecords[definition.task].record, message);
  known.samples.push(sample);
}

/** Something to show of a record that was dropped before it had inputs. */
function shownInputs(found: FoundRecord | undefined): PreparedRecord['inputs'] | undefined {
  if (found?.file) return found.file.bytes;
  if (!found?.row) return undefined;
  const shown = Object.entries(found.row).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? `${value.length} bytes` : (JSON.stringify(value) ?? '').slice(0, 300),
  ]);
  return Object.fromEntries(shown) as Record<string, string>;
}
