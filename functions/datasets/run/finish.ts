import { createHash } from 'node:crypto';
import { ServiceError } from '../../errors.ts';
import { isNewer, replaceOlder } from '../../replace-older.ts';
import { preparedKey } from '../../storage/object-keys.ts';
import { type PreparedManifest, preparedManifestSchema } from '../prepared-manifest.ts';
import { renderProfile } from '../profile/render-profile.ts';
import { streamRange } from '../read/data-range.ts';
import { taskRecords } from '../record-kinds.ts';
import { readShard } from '../shard.ts';
import { decisionSchema } from './decide.ts';
import { type Effects, type Run, runKey, toJson, uploadSchema, type Work } from './run.ts';
import { type Sample, toSample } from './sample.ts';
import { shardResultSchema } from './shard-item.ts';
import { readDone } from './stages.ts';
import { unitResultSchema } from './unit-item.ts';

const samplesOfReason = 4;

/** Reason → how many records, and some of them. */
export type DroppedRecords = ReadonlyMap<string, { readonly count: number; readonly samples: readonly Sample[] }>;

/** Puts all together: the profile, and last the manifest, unless those of a newer dataset.json are there. */
export async function finish(run: Run): Promise<void> {
  const { work, effects } = run;
  await effects.writeData(runKey(work, 'finish/begun.json'), toJson({}), {});
  const { found, dropped } = await readDropped(run);
  const shards = await Array.fromAsync(readDone(run, 'shards', shardResultSchema), ({ result }) => result);
  const { statistics, kept } = await readDecision(run);
  if (kept === 0) throw nothingKept(found, dropped);
  const upload = uploadSchema.parse(await readJson(runKey(work, 'upload.json'), effects));
  const { sequencer, createdAt } = upload;
  const manifest = preparedManifestSchema.parse({
    ...{ dataset: work.dataset, run: work.run, task: run.definition.task, createdAt, sequencer },
    counts: {
      in: found,
      kept,
      augmented: shards.reduce((sum, shard) => sum + shard.augmented, 0),
      dropped: Object.fromEntries([...dropped].map(([reason, { count }]) => [reason, count])),
    },
    splits: splitsOf(run, shards),
    ...labelsOf(run, statistics.labels),
    hashes: {
      ...run.hashes,
      shards: createHash('sha256')
        .update(shards.map(({ sha256 }) => sha256).join('\n'))
        .digest('hex'),
    },
    statistics,
  } satisfies PreparedManifest);
  const samples = { dropped, kept: shards.flatMap((shard) => shard.kept), made: shards.flatMap((shard) => shard.made) };
  const profile = Buffer.from(renderProfile(manifest, run.definition, samples));
  const html = { sequencer, contentType: 'text/html; charset=utf-8' };
  await replaceOlder(preparedKey(work.dataset, 'profile.html'), profile, html, effects);
  const body = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  await replaceOlder(preparedKey(work.dataset, 'manifest.json'), body, { sequencer }, effects);
  await removeError(work.dataset, sequencer, effects);
}

async function readJson(key: string, effects: Effects): Promise<unknown> {
  const bytes = await effects.readData(key);
  if (!bytes) throw new Error('a part of the run is gone');
  return JSON.parse(bytes.toString('utf8'));
}

async function readDecision({ work, effects }: Run) {
  return decisionSchema.parse(await readJson(runKey(work, 'decision.json'), effects));
}

/** What units have dropped by themselves, then what was dropped when all were known. */
async function readDropped(run: Run): Promise<{ found: number; dropped: DroppedRecords }> {
  const dropped = new Map<string, { count: number; samples: Sample[] }>();
  const add = (reason: string, count: number, samples: readonly Sample[]) => {
    const known = dropped.get(reason) ?? { count: 0, samples: [] };
    const room = samplesOfReason - known.samples.length;
    dropped.set(reason, {
      count: known.count + count,
      samples: [...known.samples, ...samples.slice(0, Math.max(0, room))],
    });
  };
  let found = 0;
  for await (const { result } of readDone(run, 'units', unitResultSchema)) {
    found += result.in;
    for (const [reason, { count, samples }] of Object.entries(result.dropped)) add(reason, count, samples);
  }
  const decision = await readDecision(run);
  for (const [reason, { count, samples }] of Object.entries(decision.dropped)) {
    add(reason, count, await Promise.all(samples.map((place) => readSample(run, place))));
  }
  return { found, dropped };
}

async function readSample({ work, effects, definition }: Run, place: { path: string; start: number; end: number }) {
  const key = runKey(work, place.path);
  const object = await effects.findData(key);
  if (!object) throw new Error('the records of a block are gone');
  const bytes = streamRange({ key, etag: object.etag }, effects, place.start, place.end);
  const [record] = await Array.fromAsync(readShard(key, bytes));
  return await toSample(record!, taskRecords[definition.task].record);
}

type Shard = ReturnType<(typeof shardResultSchema)['parse']>;

function splitsOf({ definition }: Run, shards: readonly Shard[]): PreparedManifest['splits'] {
  const names = Object.keys(definition.split.fractions);
  const split = (name: string) => {
    const own = shards.filter((shard) => shard.split === name);
    return {
      records: own.reduce((sum, { records }) => sum + records, 0),
      augmented: own.reduce((sum, { augmented }) => sum + augmented, 0),
      shards: own.map(({ key, records, bytes, sha256 }) => ({ key, records, bytes, sha256 })),
    };
  };
  return Object.fromEntries(names.map((name) => [name, split(name)]));
}

function labelsOf(
  { definition }: Run,
  counts: Readonly<Record<string, Record<string, number>>>,
): { labels?: string[] } {
  const { label } = taskRecords[definition.task];
  if (label !== 'class' && label !== 'boxes') return {};
  return { labels: [...new Set(Object.values(counts).flatMap((split) => Object.keys(split)))].sort() };
}

function nothingKept(found: number, dropped: DroppedRecords): ServiceError {
  const reasons = [...dropped].map(([reason, { count, samples }]) => {
    const note = samples[0]?.note;
    return `${count} × ${reason}${note === undefined ? '' : ` (such as '${samples[0]!.source.slice(0, 200)}': ${note})`}`;
  });
  return new ServiceError('invalid_request', `of ${found} records none was kept: ${reasons.join('; ')}`);
}

/** `prepared/<dataset>/error.json` of an upload of dataset.json that cannot work, unless a newer one has failed too. */
export async function writeError(
  { dataset, run }: Pick<Work, 'dataset'> & { readonly run?: string },
  { sequencer, createdAt }: { readonly sequencer: string; readonly createdAt: string },
  { code, message }: Pick<ServiceError, 'code' | 'message'>,
  effects: Effects,
): Promise<void> {
  const body = { dataset, ...(run && { run }), createdAt, sequencer, error: { code, message } };
  const bytes = Buffer.from(`${JSON.stringify(body, null, 2)}\n`);
  await replaceOlder(preparedKey(dataset, 'error.json'), bytes, { sequencer }, effects);
}

async function removeError(dataset: string, sequencer: string, effects: Effects): Promise<void> {
  const key = preparedKey(dataset, 'error.json');
  const error = await effects.findData(key);
  if (error && !isNewer(error.sequencer ?? '', sequencer)) await effects.removeData(key, error.etag);
}
