import * as z from 'zod';
import { ServiceError } from '../../errors.ts';
import { measureNames } from '../clean/clean-schema.ts';
import { dropDuplicates } from '../decide/duplicates.ts';
import { dropNearDuplicates } from '../decide/near-duplicates.ts';
import { dropOutliers, measureOf } from '../decide/outliers.ts';
import { planShards, type ShardPlan } from '../decide/plan-shards.ts';
import { type Block, createRecordTable, type RecordTable, reasonOf } from '../decide/record-table.ts';
import { type Splits, splitRecords } from '../decide/split.ts';
import { createStatistics } from '../decide/statistics.ts';
import { preparedManifestSchema } from '../prepared-manifest.ts';
import { streamRange } from '../read/data-range.ts';
import { dropReasons } from '../read/unit.ts';
import { type Facts, factsSchema } from '../records/facts.ts';
import { splitLines } from '../split-lines.ts';
import { type Run, runKey, toJson } from './run.ts';
import { readDone } from './stages.ts';
import { factsPath, unitResultSchema } from './unit-item.ts';

const maxRecords = 5_000_000;
const samplesOfReason = 4;

const place = z.int().min(0);

/** What was decided over all records: `decision.json`. */
export const decisionSchema = z.object({
  kept: place,
  dropped: z.partialRecord(
    z.enum(dropReasons),
    z.object({
      count: place,
      /** Where some of them lie. */
      samples: z.array(z.object({ path: z.string(), start: place, end: place })),
    }),
  ),
  statistics: preparedManifestSchema.shape.statistics,
});

type Decision = z.infer<typeof decisionSchema>;

/** Decides over all records what is dropped and who stands in which split; gives the shards that are to be made. */
export async function* decide(run: Run): AsyncGenerator<ShardPlan> {
  const { definition } = run;
  const names = Object.keys(definition.split.fractions);
  const blocks = await listBlocks(run);
  const table = await loadTable(run, blocks, names);
  const { clean, augment } = definition;
  const twins = dropDuplicates(table, clean);
  if (clean.nearDuplicates) dropNearDuplicates(table, clean.nearDuplicates.distance);
  dropOutliers(table, clean.outliers, measureNames);
  const splits = splitRecords(table, definition);
  await writeDecision(run, blocks, table, { splits, names });
  yield* planShards({ table, blocks, splits, names, twins, copies: augment?.copies ?? 0 });
}

async function listBlocks(run: Run): Promise<Block[]> {
  const blocks: Block[] = [];
  let found = 0;
  for await (const { result } of readDone(run, 'units', unitResultSchema)) {
    blocks.push(...result.blocks);
    found += result.in;
  }
  const records = blocks.reduce((sum, block) => sum + block.records, 0);
  if (records > maxRecords) {
    throw new ServiceError('payload_too_large', `the data set has ${records} records; ${maxRecords} are allowed`);
  }
  if (found === 0) throw new ServiceError('invalid_request', `nothing under raw/${run.work.dataset}/ is a record`);
  return blocks;
}

async function loadTable(run: Run, blocks: readonly Block[], names: readonly string[]): Promise<RecordTable> {
  const rules = run.definition.clean.outliers.map((rule) => measureOf(rule, measureNames));
  const count = blocks.reduce((sum, { records }) => sum + records, 0);
  const { table, add } = createRecordTable(count, [...new Set(rules)], names);
  let [last, start] = [-1, 0];
  for await (const { facts, block } of readFacts(run, blocks)) {
    if (block !== last) [last, start] = [block, 0];
    add(facts, block, start);
    start += facts.bytes;
  }
  return table;
}

async function* readFacts(
  { work, effects }: Run,
  blocks: readonly Block[],
): AsyncGenerator<{ facts: Facts; block: number }> {
  for (const [block, { path }] of blocks.entries()) {
    const key = runKey(work, factsPath(path));
    const object = await effects.findData(key);
    if (!object) throw new Error('the facts of a block are gone');
    for await (const { bytes } of splitLines(streamRange({ key, etag: object.etag }, effects))) {
      yield { facts: factsSchema.parse(JSON.parse(bytes.toString('utf8'))), block };
    }
  }
}

async function writeDecision(
  run: Run,
  blocks: readonly Block[],
  table: RecordTable,
  { splits, names }: { splits: Splits; names: readonly string[] },
): Promise<void> {
  const statistics = createStatistics(names);
  const decision: Pick<Decision, 'kept' | 'dropped'> = { kept: 0, dropped: {} };
  let record = 0;
  for await (const { facts } of readFacts(run, blocks)) {
    const reason = reasonOf(table, record);
    if (reason === undefined) {
      decision.kept += 1;
      statistics.add(facts, names[splits[record]!]!);
    } else {
      const known = decision.dropped[reason] ?? { count: 0, samples: [] };
      known.count += 1;
      const start = table.start[record]!;
      const sample = { path: blocks[table.block[record]!]!.path, start, end: start + table.bytes[record]! };
      if (known.samples.length < samplesOfReason) known.samples.push(sample);
      decision.dropped[reason] = known;
    }
    record += 1;
  }
  const body = toJson({ ...decision, statistics: statistics.summary() } satisfies Decision);
  await run.effects.writeData(runKey(run.work, 'decision.json'), body, {});
}
