import { createHash } from 'node:crypto';
import { createClaims } from '../../../functions/aws/claims.ts';
import { createJobs } from '../../../functions/aws/jobs.ts';
import type { Item, Table } from '../../../functions/aws/table.ts';
import type { Services } from '../../../functions/services.ts';

interface StoredObject {
  readonly body: Buffer;
  readonly versionId: string;
  readonly etag: string;
  readonly sequencer?: string;
}

/** What ends a worker at one of its calls. */
export class Killed extends Error {}

/** Is awaited before each effect is carried out, and again before its caller is told. */
export type Call = () => Promise<void>;

/** `work` as an effect, at which a worker may wait, or be killed. */
export function effect<Arguments extends unknown[], Result>(
  call: Call,
  work: (...given: Arguments) => Result | Promise<Result>,
): (...given: Arguments) => Promise<Result> {
  return async (...given) => {
    await call();
    const result = await work(...given);
    await call();
    return result;
  };
}

/** The data bucket and the table in memory, with S3's and DynamoDB's conditions. */
export function createStorage() {
  const objects = new Map<string, StoredObject>();
  /** Successful writes of each key. */
  const writes = new Map<string, number>();
  const items = new Map<string, Item>();
  let versions = 0;

  const store = (key: string, body: Buffer, sequencer?: string) => {
    versions += 1;
    const etag = createHash('md5').update(body).digest('hex');
    objects.set(key, { body, versionId: `v${versions}`, etag, ...(sequencer && { sequencer }) });
    writes.set(key, (writes.get(key) ?? 0) + 1);
    return `v${versions}`;
  };
  const write: Services['writeData'] = async (key, body, { replaces, sequencer }) => {
    if (objects.get(key)?.etag !== replaces) return false;
    store(key, Buffer.from(body), sequencer);
    return true;
  };
  const table = createMemoryTable(items);
  const claims = createClaims(table);
  const jobs = createJobs(table);

  return {
    objects,
    writes,
    /** An upload, and the version that it makes. */
    store,
    sequencer: () => versions.toString(16).padStart(8, '0').toUpperCase(),
    services: (call: Call) => ({
      readData: effect(call, (key: string) => objects.get(key)?.body),
      findData: effect(call, (key: string) => {
        const object = objects.get(key);
        return object && { ...object, size: object.body.length };
      }),
      async *listData(prefix: string) {
        await call();
        const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
        for (const key of keys) yield { key, etag: objects.get(key)!.etag, size: objects.get(key)!.body.length };
      },
      streamData: effect(call, async (key: string, { start = 0, end }: { start?: number; end?: number } = {}) => {
        const body = objects.get(key)?.body.subarray(start, end);
        return body && inPieces(body, call);
      }),
      writeData: effect(call, write),
      writeDataStream: effect(call, async (key: string, chunks, condition) => {
        return await write(key, Buffer.concat(await Array.fromAsync(chunks as AsyncIterable<Buffer>)), condition);
      }) as Services['writeDataStream'],
      removeData: effect(call, async (key: string, etag: string) => {
        if (objects.get(key)?.etag === etag) objects.delete(key);
      }),
      claim: effect(call, claims.claim),
      releaseClaim: effect(call, claims.release),
      findJob: effect(call, jobs.find),
      updateJob: effect(call, jobs.update),
      enlistJob: effect(call, jobs.enlist),
      listJobs: effect(call, jobs.list),
      listJobChunks: effect(call, jobs.listChunks),
      findJobChunk: effect(call, jobs.findChunk),
      updateJobChunk: effect(call, jobs.updateChunk),
    }),
  };
}

async function* inPieces(body: Buffer, call: Call): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += 1000) {
    yield body.subarray(at, at + 1000);
    await call();
  }
}

function createMemoryTable(items: Map<string, Item>): Pick<Table, 'get' | 'query' | 'page' | 'putIf'> {
  const itemKey = ({ pk, sk }: { pk: string; sk: string }) => `${pk} ${sk}`;
  const ofPartition = (pk: string) =>
    [...items.values()].filter((item) => item.pk === pk).sort((a, b) => (a.sk < b.sk ? -1 : 1));
  return {
    get: async (key) => items.get(itemKey(key)),
    query: async ({ pk }) => ofPartition(pk),
    page: async ({ pk }, { limit, after, descending }) => {
      const all = descending ? ofPartition(pk).reverse() : ofPartition(pk);
      const behind = (sk: string) => after === undefined || (descending ? sk < after : sk > after);
      return all.filter(({ sk }) => behind(sk)).slice(0, limit);
    },
    putIf: async (item, { attribute, equals }) => {
      const current = items.get(itemKey(item));
      if (current && (equals === undefined || current[attribute] !== equals)) return false;
      items.set(itemKey(item), structuredClone(item));
      return true;
    },
  };
}
