import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { AwsError } from '../aws-error.ts';
import { appendRecord, type ObjectRecord, readRecord, type Write, writeDraft } from './record-file.ts';
import { createSortedKeys, type SortedKeys } from './sorted-keys.ts';

export interface StoredObject extends ObjectRecord {
  /** Rises with each write of the store; 16 hexadecimal digits, also the file's name. */
  readonly sequencer: string;
}

interface Bucket {
  readonly createdAt: Date;
  readonly objects: Map<string, StoredObject>;
  readonly keys: SortedKeys;
}

/** Throws what S3 answers where a write must not happen; runs in the same turn as the write. */
export type Precondition = (existing: StoredObject | undefined) => void;

export interface ObjectStore {
  buckets(): { name: string; createdAt: Date }[];
  /** False: it exists. */
  createBucket(name: string): boolean;
  /** Throws NoSuchBucket. */
  bucket(name: string): Bucket;
  /** The object together with its open file, which later writes leave as it is. Throws NoSuchKey. */
  open(bucket: string, key: string): { object: StoredObject; file: number };
  /** Fills a new object; visible as a whole once this resolves, and not at all where it rejects. */
  write(
    bucket: string,
    fill: (write: Write) => Promise<Omit<ObjectRecord, 'lastModified' | 'versionId'>>,
    precondition: Precondition,
  ): Promise<StoredObject>;
  /** The sequencer of the removal; no object need exist. */
  remove(bucket: string, key: string, precondition: Precondition): string;
}

/**
 * Objects on disk: `<directory>/<bucket>/<sequencer>`, one record file each, and an index of them in memory. No path is
 * made from a key. What killed writes left is removed here. One process at a time may use a directory.
 */
export function openObjectStore(directory: string): ObjectStore {
  const drafts = join(directory, '.drafts');
  rmSync(drafts, { recursive: true, force: true });
  mkdirSync(drafts, { recursive: true });
  const names = readdirSync(directory).filter((name) => !name.startsWith('.'));
  const buckets = new Map(names.map((name) => [name, loadBucket(join(directory, name))]));
  const nextSequencer = createSequencer(buckets.values());

  const bucketNamed = (name: string): Bucket => {
    const bucket = buckets.get(name);
    if (!bucket) throw new AwsError(404, 'NoSuchBucket', `no bucket is named ${name}`, { BucketName: name });
    return bucket;
  };

  return {
    buckets: () => [...buckets].map(([name, { createdAt }]) => ({ name, createdAt })),
    createBucket(name) {
      checkBucketName(name);
      if (buckets.has(name)) return false;
      mkdirSync(join(directory, name));
      buckets.set(name, loadBucket(join(directory, name)));
      return true;
    },
    bucket: bucketNamed,
    open(bucketName, key) {
      const object = bucketNamed(bucketName).objects.get(key);
      if (!object) throw new AwsError(404, 'NoSuchKey', 'The specified key does not exist.', { Key: key });
      return { object, file: openSync(join(directory, bucketName, object.sequencer), 'r') };
    },
    write(bucketName, fill, precondition) {
      const bucket = bucketNamed(bucketName);
      const draft = join(drafts, randomUUID());
      return writeDraft(draft, fill, (filled) => {
        const existing = bucket.objects.get(filled.key);
        precondition(existing);
        const record = { ...filled, lastModified: wholeSeconds(new Date()), versionId: createVersionId() };
        appendRecord(draft, record);
        const object = { ...record, sequencer: nextSequencer() };
        renameSync(draft, join(directory, bucketName, object.sequencer));
        bucket.objects.set(object.key, object);
        bucket.keys.add(object.key);
        if (existing) unlinkSync(join(directory, bucketName, existing.sequencer));
        return object;
      });
    },
    remove(bucketName, key, precondition) {
      const bucket = bucketNamed(bucketName);
      const existing = bucket.objects.get(key);
      precondition(existing);
      if (existing) {
        unlinkSync(join(directory, bucketName, existing.sequencer));
        bucket.objects.delete(key);
        bucket.keys.delete(key);
      }
      return nextSequencer();
    },
  };
}

/**
 * Of two files of one key, left by a kill between a write and the removal of what it replaced, the later one holds. A file
 * was complete when it came here: one that is not was damaged since, which its owner is told.
 */
function loadBucket(directory: string): Bucket {
  const objects = new Map<string, StoredObject>();
  for (const sequencer of readdirSync(directory).filter(isSequencer).sort()) {
    const record = readRecord(join(directory, sequencer));
    if (!record) {
      process.stderr.write(`lambent: ${join(directory, sequencer)} is damaged: the object is left out\n`);
      continue;
    }
    const replaced = objects.get(record.key);
    objects.set(record.key, { ...record, sequencer });
    if (replaced) unlinkSync(join(directory, replaced.sequencer));
  }
  return { createdAt: statSync(directory).birthtime, objects, keys: createSortedKeys(objects.keys()) };
}

function isSequencer(name: string): boolean {
  return /^[0-9A-F]{16}$/.test(name);
}

/** Microseconds of the clock, but never less than before: also where the clock is put back between two runs. */
function createSequencer(buckets: Iterable<Bucket>): () => string {
  let last = 0;
  for (const { objects } of buckets) {
    for (const { sequencer } of objects.values()) last = Math.max(last, Number.parseInt(sequencer, 16));
  }
  return () => {
    last = Math.max(last + 1, Date.now() * 1000);
    return last.toString(16).toUpperCase().padStart(16, '0');
  };
}

export function createVersionId(): string {
  return randomBytes(24).toString('base64url');
}

/** S3 keeps no fractions of a second. */
export function wholeSeconds(date: Date): string {
  return new Date(Math.floor(date.getTime() / 1000) * 1000).toISOString();
}

function checkBucketName(name: string): void {
  if (/^(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]$/.test(name)) return;
  throw new AwsError(
    400,
    'InvalidBucketName',
    `${name}: 3 to 63 of a-z, 0-9, "-" and ".", ends with a letter or digit`,
  );
}
