import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import { functions } from '../manifest.ts';
import type { Model } from '../registry/model-manifest.ts';
import type { Services } from '../services.ts';
import { answerRecord } from './answer-record.ts';
import type { JobRequest } from './job.ts';
import type { WholePlan } from './job-chunks.ts';
import { type Planning, planJob } from './plan-job.ts';
import { prices } from './prices.ts';
import { type JobRecord, readRecords } from './read-records.ts';
import { createAnswer, type Running, recordsAtOnce } from './run-chunk.ts';

type Estimating = Planning & Running & Pick<Services, 'readModelEntry'>;

/** What a job is likely to need, before it is begun. */
export const estimateSchema = z.object({
  records: z.int(),
  chunks: z.int(),
  /** Calls of the model host. */
  requests: z.int(),
  /** Copies of run-batch that work at once. */
  workers: z.int(),
  /** Records that were answered for it; absent: none was in time. */
  sample: z.object({ records: z.int(), failed: z.int(), seconds: z.number() }).optional(),
  seconds: z.int().optional(),
  /** At list prices; without what a GPU endpoint costs, which is paid by the hour whether it works or not. */
  costUsd: z.number().optional(),
});

type Estimate = z.infer<typeof estimateSchema>;

const maxSampleRecords = 128;
const sampleMilliseconds = 20_000;
/** Of a larger input the beginning is read, and the rest is taken to be like it. */
const maxReadBytes = 64 * 2 ** 20;

/** Answers the first records of a job, and writes nothing. Throws as planJob does. */
export async function estimateJob(request: JobRequest, effects: Estimating, deadline: number): Promise<Estimate> {
  const plan = await planJob(request, effects, maxReadBytes);
  const scale = await unreadShare(request, effects);
  const [records, chunks] = [Math.ceil(plan.records * scale), Math.ceil(plan.chunks * scale)];
  const model = plan.model === undefined ? undefined : await effects.readModel(plan.model, plan.modelVersion!);
  const workers = Math.min(chunks, functions['run-batch'].trigger.maxConcurrency);
  const requests = Math.ceil(records / Math.max(1, model?.manifest.maxBatchSize ?? 1));
  const until = Math.min(deadline, Date.now() + sampleMilliseconds);
  const { hostSeconds, ...sample } = await takeSample(plan, model, effects, until);
  if (sample.records === 0) return { records, chunks, requests, workers };
  const perSample = records / sample.records;
  const busySeconds = sample.seconds * perSample;
  const onLambda = model === undefined || (await isOnLambda(model, effects));
  const costUsd = costOf({ chunks, requests, busySeconds, hostSeconds: onLambda ? hostSeconds * perSample : 0 });
  return { records, chunks, requests, workers, sample, seconds: Math.ceil(busySeconds / workers), costUsd };
}

async function unreadShare({ input }: JobRequest, { findData }: Estimating): Promise<number> {
  const size = input === undefined ? 0 : ((await findData(input))?.size ?? 0);
  return Math.max(1, size / maxReadBytes);
}

/** The first record alone, so that the host has the model, then others at once, for as long as there is time. */
async function takeSample(
  plan: WholePlan,
  model: Model | undefined,
  effects: Estimating,
  until: number,
): Promise<NonNullable<Estimate['sample']> & { hostSeconds: number }> {
  let hostSeconds = 0;
  const infer: Estimating['infer'] = async (...given) => {
    const started = performance.now();
    const result = await effects.infer(...given);
    hostSeconds += (performance.now() - started) / 1000;
    return result;
  };
  const answer = createAnswer(model ?? plan.endpoint!, { ...effects, infer, hostWaits: [] }, until);
  const ask = async (record: JobRecord) => (await answerRecord(record, { chunk: 0, record: 0 }, answer)).failed;
  const records = await take(
    readRecords(plan.sources[0]!, plan, effects),
    1 + Math.min(maxSampleRecords, 2 * recordsAtOnce(model)),
  );
  const [first, ...others] = records;
  await beforeEnd([ask(first!)], until);
  const started = performance.now();
  hostSeconds = 0;
  const outcomes = await beforeEnd((others.length > 0 ? others : [first!]).map(ask), until);
  const seconds = (performance.now() - started) / 1000;
  return {
    records: outcomes.length,
    failed: outcomes.filter(Boolean).length,
    seconds: Math.round(seconds * 1000) / 1000,
    hostSeconds,
  };
}

/** What comes of `all` until then. Throws what one of them throws. */
async function beforeEnd<Value>(all: readonly Promise<Value>[], until: number): Promise<Value[]> {
  const values: Value[] = [];
  const ended = Promise.all(all.map(async (one) => values.push(await one)));
  const late = new AbortController();
  await Promise.race([
    ended,
    wait(Math.max(0, until - Date.now()), undefined, { signal: late.signal }).catch(() => {}),
  ]);
  late.abort();
  ended.catch(() => {});
  return values;
}

async function take<Item>(items: AsyncIterable<Item>, most: number): Promise<Item[]> {
  const taken: Item[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === most) break;
  }
  return taken;
}

async function isOnLambda({ manifest }: Model, { readModelEntry }: Estimating): Promise<boolean> {
  return ((await readModelEntry(manifest.name)).hosts?.[manifest.version] ?? manifest.host) === 'lambda';
}

/** What a chunk reads and writes besides: its message, its part, its items of the table. */
const perChunk =
  3 * prices.sqsRequest + prices.lambdaRequest + 3 * prices.s3Write + 8 * prices.s3Read + 8 * prices.dynamodbWrite;

function costOf(needs: { chunks: number; requests: number; busySeconds: number; hostSeconds: number }): number {
  const worker = needs.busySeconds * (functions['run-batch'].memoryMiB / 1024) * prices.lambdaGibibyteSecond;
  const host = needs.hostSeconds * (functions.infer.memoryMiB / 1024) * prices.lambdaGibibyteSecond;
  const calls = needs.hostSeconds > 0 ? needs.requests * prices.lambdaRequest : 0;
  return Number((worker + host + calls + needs.chunks * perChunk).toPrecision(3));
}
