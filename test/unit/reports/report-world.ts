import { createHash } from 'node:crypto';
import type { PreparedRecord } from '../../../functions/datasets/prepared-record.ts';
import { encodeRecord, shardEnd } from '../../../functions/datasets/shard.ts';
import type { ResultsManifest } from '../../../functions/jobs/results-manifest.ts';
import type { Services } from '../../../functions/services.ts';
import { resultKey } from '../../../functions/storage/object-keys.ts';
import type { TaskName } from '../../../functions/tasks/task-names.ts';

/** One record of a job: its label, and its output or why it has none. */
export interface JobRecord {
  readonly id: string;
  readonly inputs: PreparedRecord['inputs'];
  readonly label?: PreparedRecord['label'];
  readonly group?: string;
  readonly output?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

interface StoredObject {
  readonly body: Buffer;
  readonly etag: string;
  readonly sequencer?: string;
  readonly contentType?: string;
}

export class Killed extends Error {}

/** A data bucket in memory whose calls can be counted, and end the caller before or after one takes effect. */
export function createWorld() {
  const objects = new Map<string, StoredObject>();
  const written: string[] = [];
  let calls = 0;
  let killAt = 0;
  const call = async <T>(work: () => T): Promise<T> => {
    calls += 1;
    if (calls === killAt) throw new Killed();
    const value = work();
    calls += 1;
    if (calls === killAt) throw new Killed();
    return value;
  };
  const put = (key: string, body: Buffer, about: { sequencer?: string; contentType?: string } = {}) => {
    const etag = createHash('md5').update(body).digest('hex');
    objects.set(key, { body, etag, ...about });
  };
  const effects: Pick<Services, 'readData' | 'streamData' | 'findData' | 'writeData'> = {
    readData: (key) => call(() => objects.get(key)?.body),
    streamData: (key) =>
      call(() => {
        const body = objects.get(key)?.body;
        if (!body) return undefined;
        return (async function* () {
          for (let at = 0; at < body.length; at += 1000) yield body.subarray(at, at + 1000);
        })();
      }),
    findData: (key) =>
      call(() => {
        const object = objects.get(key);
        return object && { ...object, size: object.body.length };
      }),
    writeData: (key, body, { replaces, sequencer, contentType }) =>
      call(() => {
        if (objects.get(key)?.etag !== replaces) return false;
        put(key, Buffer.from(body), { ...(sequencer && { sequencer }), ...(contentType && { contentType }) });
        written.push(key);
        return true;
      }),
  };
  return {
    effects,
    objects,
    written,
    put,
    get calls() {
      return calls;
    },
    /** The caller ends at this call or at its answer, counted from 1; 0: never. */
    killAt(at: number) {
      killAt = at;
      calls = 0;
    },
    /** A completed job over one shard for each list of records. */
    complete(
      job: string,
      task: TaskName,
      chunks: readonly (readonly JobRecord[])[],
      changes: Partial<ResultsManifest> = {},
    ) {
      return completeJob(put, job, task, chunks, changes);
    },
  };
}

function completeJob(
  put: (key: string, body: Buffer) => void,
  job: string,
  task: TaskName,
  chunks: readonly (readonly JobRecord[])[],
  changes: Partial<ResultsManifest>,
): string {
  const shards = chunks.map((records, chunk) => {
    const format = records.every(({ inputs }) => inputs instanceof Uint8Array) ? 'tar' : 'jsonl';
    const key = `prepared/set/run/test-${chunk}.${format}`;
    const parts = records.map(({ id, inputs, label }) => {
      return encodeRecord({ id, inputs, source: `raw/set/${id}`, ...(label !== undefined && { label }) }, format);
    });
    put(key, Buffer.concat([...parts, shardEnd(format)]));
    return { key, records: records.length };
  });
  const parts = chunks.map((records, chunk) => {
    const lines = records
      .filter(({ error }) => !error)
      .map(({ id, inputs, error, ...rest }) => ({ custom_id: id, ...rest, source: `raw/set/${id}` }));
    const body = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const key = resultKey(job, `part-${chunk}.jsonl`);
    put(key, body);
    const sha256 = createHash('sha256').update(body).digest('hex');
    return { chunk, key, records: lines.length, bytes: body.length, sha256 };
  });
  const failed = chunks.flatMap((records, chunk) =>
    records.flatMap(({ id, inputs, output, ...rest }, record) =>
      rest.error ? [{ custom_id: id, ...rest, chunk, record, source: `raw/set/${id}` }] : [],
    ),
  );
  const errors = failed.length > 0 ? { errors: resultKey(job, 'errors.jsonl') } : {};
  if (errors.errors) put(errors.errors, Buffer.from(failed.map((line) => `${JSON.stringify(line)}\n`).join('')));
  const total = chunks.flat().length;
  const manifest: ResultsManifest = {
    ...{ job, status: 'COMPLETED', model: 'm', modelVersion: '1', task, labelled: true, parameters: {}, attempt: 1 },
    createdAt: '2026-11-01T10:00:00.000Z',
    finishedAt: '2026-11-01T10:05:00.000Z',
    dataset: { name: 'set', run: 'run', split: 'test', shards },
    counts: { total, succeeded: total - failed.length, failed: failed.length },
    parts,
    ...errors,
    ...changes,
  };
  const key = resultKey(job, 'manifest.json');
  put(key, Buffer.from(JSON.stringify(manifest)));
  return key;
}
