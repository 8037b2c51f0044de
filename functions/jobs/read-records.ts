import * as z from 'zod';
import { readShard } from '../datasets/shard.ts';
import { splitLines } from '../datasets/split-lines.ts';
import { ServiceError } from '../errors.ts';
import { parseInput } from '../http/parse-input.ts';
import type { Services } from '../services.ts';
import type { JobPlan } from './job.ts';
import type { ChunkSource } from './job-chunks.ts';
import { customId, parseJsonLine, readRequestLine } from './request-line.ts';

/** A record of a chunk, or of one that cannot be read, why. */
export interface JobRecord {
  readonly customId: string;
  /** What the task's schema, or the endpoint's route, is to read. */
  readonly input?: unknown;
  readonly error?: ServiceError;
  readonly label?: unknown;
  readonly group?: string | undefined;
  readonly source?: string | undefined;
  /** As it was read. */
  readonly bytes: number;
}

const parameters = z.record(z.string(), z.unknown(), 'an object with parameters of the task is needed');

const lineSchema = z.object({
  custom_id: customId.optional(),
  inputs: z.json(),
  parameters: parameters.optional(),
  label: z.unknown().optional(),
  group: z.string().optional(),
});

/** What of a plan decides how records are read. */
type RecordPlan = Pick<JobPlan, 'task' | 'parameters' | 'endpoint'>;

/** What a chunk is to read is not what was planned: it never will be again. */
export class SourceGone extends Error {}

/** The records of a chunk in their order. Throws SourceGone. */
export async function* readRecords(
  source: ChunkSource,
  plan: RecordPlan,
  { streamData }: Pick<Services, 'streamData'>,
): AsyncGenerator<JobRecord> {
  const chunks = await streamData(source.key, source.range).catch((cause: unknown) => {
    if (cause instanceof ServiceError && cause.code === 'conflict') throw new SourceGone(cause.message, { cause });
    throw cause;
  });
  if (!chunks) throw new SourceGone(`'${source.key}' is not there any more`);
  if (source.range) yield* readLines(chunks, source.range.firstLine, plan);
  else yield* readShardRecords(source.key, chunks, plan);
}

async function* readShardRecords(
  key: string,
  chunks: AsyncIterable<Uint8Array>,
  { task, parameters }: RecordPlan,
): AsyncGenerator<JobRecord> {
  for await (const { id, inputs, label, group, source } of readShard(key, chunks)) {
    const bytes = inputs instanceof Uint8Array ? inputs.length : 1024;
    // A table's record is one row.
    const given = task?.startsWith('tabular-') ? [inputs] : inputs;
    yield { customId: id, input: { inputs: given, parameters }, label, group, source, bytes };
  }
}

async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  firstLine: number,
  plan: RecordPlan,
): AsyncGenerator<JobRecord> {
  let number = firstLine - 1;
  for await (const { bytes } of splitLines(chunks)) {
    number += 1;
    if (isBlank(bytes)) continue;
    yield { ...readLine(bytes, plan, `line-${number}`), bytes: bytes.length };
  }
}

/** Space, tab and carriage return alone. */
export function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

function readLine(bytes: Buffer, { parameters, endpoint }: RecordPlan, fallback: string): Omit<JobRecord, 'bytes'> {
  let id = fallback;
  try {
    if (endpoint !== undefined) {
      const request = readRequestLine(bytes, endpoint);
      return { customId: request.customId, input: request.body };
    }
    const value = parseJsonLine(bytes);
    const given = customId.safeParse(Object(value).custom_id);
    if (given.success) id = String(given.data);
    const line = parseInput(lineSchema, value);
    const input = { inputs: line.inputs, parameters: { ...parameters, ...line.parameters } };
    return { customId: id, input, label: line.label, group: line.group };
  } catch (error) {
    if (error instanceof ServiceError) return { customId: id, error };
    throw error;
  }
}
