import { readShard } from '../datasets/shard.ts';
import { splitLines } from '../datasets/split-lines.ts';
import { ServiceError } from '../errors.ts';
import type { ResultsManifest } from '../jobs/results-manifest.ts';
import type { Services } from '../services.ts';
import type { Example } from './report.ts';

/** Most bytes that are read of all shards, or of a job's JSONL, to find the records of a few answers. */
const maxReadBytes = 512 * 2 ** 20;

type Effects = Pick<Services, 'streamData'>;
type Wanted = Pick<Example, 'custom_id' | 'chunk'>;
type Manifest = Pick<ResultsManifest, 'dataset' | 'input'>;

/** The inputs of some records, by `custom_id`, as far as they are found where the job has read them. */
export async function readExamples(
  wanted: readonly Wanted[],
  { dataset, input }: Manifest,
  { streamData }: Effects,
): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  const budget = { bytes: maxReadBytes };
  if (input !== undefined) {
    const chunks = await streamData(input);
    const ids = new Set(wanted.map(({ custom_id }) => custom_id));
    if (chunks) await collect(readInputLines(limited(chunks, budget)), ids, found);
  }
  const byChunk = Map.groupBy(wanted, ({ chunk }) => chunk);
  for (const [chunk, records] of byChunk) {
    const shard = dataset?.shards[chunk];
    const chunks = shard && (await streamData(shard.key));
    const ids = new Set(records.map(({ custom_id }) => custom_id));
    if (chunks && budget.bytes > 0) await collect(readShard(shard.key, limited(chunks, budget)), ids, found);
  }
  return found;
}

async function collect(
  records: AsyncIterable<{ id: string; inputs?: unknown }>,
  ids: ReadonlySet<string>,
  found: Map<string, unknown>,
): Promise<void> {
  let left = ids.size;
  try {
    for await (const { id, inputs } of records) {
      if (!ids.has(id) || found.has(id)) continue;
      found.set(id, inputs);
      left -= 1;
      if (left === 0) return;
    }
  } catch (error) {
    // A report without a picture is better than none; what is cut off by the limit ends here too.
    if (!(error instanceof ServiceError)) throw error;
  }
}

/** Lines of a job's JSONL; one without a `custom_id` is called by its number. What is no JSON has failed and is not asked for. */
async function* readInputLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<{ id: string; inputs?: unknown }> {
  let number = 0;
  for await (const { bytes } of splitLines(chunks)) {
    number += 1;
    const line = parse(bytes.toString('utf8'));
    if (line) yield { id: String(line.custom_id ?? `line-${number}`), inputs: line.inputs };
  }
}

function parse(text: string): { custom_id?: unknown; inputs?: unknown } | undefined {
  try {
    return Object(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function* limited(chunks: AsyncIterable<Uint8Array>, budget: { bytes: number }): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    budget.bytes -= chunk.length;
    if (budget.bytes < 0) return;
    yield chunk;
  }
}
