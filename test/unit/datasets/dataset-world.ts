import { createHash } from 'node:crypto';
import { type PreparedManifest, preparedManifestSchema } from '../../../functions/datasets/prepared-manifest.ts';
import type { PreparedRecord } from '../../../functions/datasets/prepared-record.ts';
import { continueRun, planDataset } from '../../../functions/datasets/run/prepare-dataset.ts';
import { type Effects, workSchema } from '../../../functions/datasets/run/run.ts';
import { readShard } from '../../../functions/datasets/shard.ts';
import { ServiceError } from '../../../functions/errors.ts';
import { preparedKey, rawKey } from '../../../functions/storage/object-keys.ts';

interface StoredObject {
  readonly body: Buffer;
  readonly etag: string;
  readonly sequencer?: string;
}

interface Upload {
  readonly dataset: string;
  readonly versionId: string;
  readonly sequencer: string;
  readonly uploadedAt: string;
}

type Message = { readonly upload: Upload } | { readonly work: unknown };

/**
 * The data bucket, the claims and the queue of prepare-dataset, in memory. `mayKill` is asked before and after each call that a
 * worker makes, and says whether the worker ends there.
 */
export function createDatasetWorld({ mayKill = () => false }: { mayKill?: () => boolean } = {}) {
  const objects = new Map<string, StoredObject>();
  const claims = new Map<string, { owner: string; number: number }>();
  const queue: Message[] = [];
  let uploads = 0;

  const store = (key: string, body: Uint8Array, sequencer?: string) => {
    const etag = `"${createHash('md5').update(body).digest('hex')}"`;
    objects.set(key, { body: Buffer.from(body), etag, ...(sequencer !== undefined && { sequencer }) });
  };
  const write: Effects['writeData'] = async (key, body, { replaces, sequencer }) => {
    if (objects.get(key)?.etag !== replaces) return false;
    store(key, body, sequencer);
    return true;
  };
  const plain: Effects = {
    readData: async (key) => objects.get(key)?.body,
    findData: async (key) => {
      const object = objects.get(key);
      return object && { ...object, size: object.body.length };
    },
    async *listData(prefix) {
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
      for (const key of keys) yield { key, etag: objects.get(key)!.etag, size: objects.get(key)!.body.length };
    },
    streamData: async (key, { start = 0, end, etag } = {}) => {
      const object = objects.get(key);
      if (object && etag !== undefined && object.etag !== etag)
        throw new ServiceError('conflict', `'${key}' was replaced`);
      return object && inChunks(object.body.subarray(start, end));
    },
    writeData: write,
    writeDataStream: async (key, chunks, condition) =>
      write(key, Buffer.concat(await Array.fromAsync(chunks)), condition),
    removeData: async (key, etag) => {
      if (objects.get(key)?.etag === etag) objects.delete(key);
    },
    claim: async (work, owner) => {
      const current = claims.get(work);
      if (current && current.owner !== owner) return undefined;
      claims.set(work, { owner, number: (current?.number ?? 0) + 1 });
      return claims.get(work)!.number;
    },
    releaseClaim: async (work) => void claims.delete(work),
    sendWork: async (_, messages) =>
      void queue.push(...messages.map((work) => ({ work: JSON.parse(JSON.stringify(work)) }))),
  };
  /** The effects of one worker; a killed one makes no further call. */
  const effectsOf = (worker: { isKilled: boolean }): Effects => {
    const call = async <Result>(work: () => Result | Promise<Result>): Promise<Result> => {
      // Others work meanwhile.
      await new Promise((next) => setImmediate(next));
      const live = () => {
        worker.isKilled ||= mayKill();
        if (worker.isKilled) throw new Error('killed');
      };
      live();
      const result = await work();
      live();
      return result;
    };
    return {
      listData: plain.listData,
      readData: (...given) => call(() => plain.readData(...given)),
      findData: (...given) => call(() => plain.findData(...given)),
      streamData: (...given) => call(() => plain.streamData(...given)),
      writeData: (...given) => call(() => plain.writeData(...given)),
      writeDataStream: (...given) => call(() => plain.writeDataStream(...given)),
      removeData: (...given) => call(() => plain.removeData(...given)),
      claim: (...given) => call(() => plain.claim(...given)),
      releaseClaim: (...given) => call(() => plain.releaseClaim(...given)),
      sendWork: (...given) => call(() => plain.sendWork(...given)),
    };
  };
  const ids = new Map<Message, string>();
  /** False: the worker was killed. */
  const deliver = async (message: Message, noAnswer?: Error): Promise<boolean> => {
    const messageId = ids.get(message) ?? String(ids.size);
    ids.set(message, messageId);
    const worker = { isKilled: false };
    const about = { messageId, last: false, deadline: Date.now() + 1e6, now: Date.now };
    const delivery = { ...about, ...(noAnswer && { noAnswer }) };
    try {
      if ('upload' in message) await planDataset(message.upload, delivery, effectsOf(worker));
      else await continueRun(workSchema.parse(message.work), delivery, effectsOf(worker));
    } catch (error) {
      if (!worker.isKilled) throw error;
    }
    return !worker.isKilled;
  };

  return {
    objects,
    effects: plain,
    queue,
    deliver,
    /** Puts files and at last dataset.json into `raw/<dataset>/`. */
    upload(dataset: string, definition: object, files: Readonly<Record<string, Uint8Array | string>>): void {
      for (const [path, body] of Object.entries(files)) store(rawKey(dataset, path), Buffer.from(body));
      store(rawKey(dataset, 'dataset.json'), Buffer.from(JSON.stringify(definition)));
      this.uploaded(dataset);
    },
    /** dataset.json has arrived. */
    uploaded(dataset: string): void {
      uploads += 1;
      const sequencer = uploads.toString(16).padStart(8, '0');
      queue.push({ upload: { dataset, versionId: '', sequencer, uploadedAt: '2026-11-27T12:00:00.000Z' } });
    },
    /** Works until no message is left; `next` chooses which one comes first. */
    async work(next: (waiting: number) => number = () => 0): Promise<void> {
      while (queue.length > 0) await deliver(queue.splice(next(queue.length), 1)[0]!);
    },
    /** As many workers at once; the message of one that is killed comes again. */
    async workTogether(workers: number): Promise<void> {
      let busy = 0;
      const worker = async () => {
        while (queue.length > 0 || busy > 0) {
          const message = queue.shift();
          busy += message ? 1 : 0;
          if (!message) await new Promise((next) => setImmediate(next));
          else if (!(await deliver(message))) queue.push(message);
          busy -= message ? 1 : 0;
        }
      };
      await Promise.all(Array.from({ length: workers }, worker));
    },
    manifest(dataset: string): PreparedManifest {
      const body = objects.get(preparedKey(dataset, 'manifest.json'))?.body;
      if (!body) throw new Error(`no manifest: ${objects.get(preparedKey(dataset, 'error.json'))?.body}`);
      return preparedManifestSchema.parse(JSON.parse(body.toString('utf8')));
    },
    error(dataset: string): string | undefined {
      const body = objects.get(preparedKey(dataset, 'error.json'))?.body;
      return body && JSON.parse(body.toString('utf8')).error.message;
    },
    async records(dataset: string, split?: string): Promise<PreparedRecord[]> {
      const { splits } = this.manifest(dataset);
      const shards = Object.entries(splits).flatMap(([name, { shards }]) =>
        split === undefined || name === split ? shards : [],
      );
      const read = shards.map(({ key }) => Array.fromAsync(readShard(key, inChunks(objects.get(key)!.body))));
      return (await Promise.all(read)).flat();
    },
    /** What lies under prepared/, as digests by key. */
    prepared(dataset: string): Record<string, string> {
      const keys = [...objects.keys()].filter((key) => key.startsWith(preparedKey(dataset, ''))).sort();
      return Object.fromEntries(keys.map((key) => [key, objects.get(key)!.etag]));
    },
  };
}

async function* inChunks(bytes: Buffer, size = 4000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
