import { appendFileSync, closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import * as z from 'zod';
import { AwsError } from '../aws-error.ts';

/**
 * One file holds bytes and what is known of them: `<body><record in JSON><its length, uint32><magic>`. So they cannot
 * disagree, whenever the process is killed; the record comes last because size and digests are known only then.
 */
const recordSchema = z.object({
  key: z.string(),
  size: z.number(),
  /** Without quotes. */
  etag: z.string(),
  /** ISO 8601, whole seconds as in S3. */
  lastModified: z.string(),
  versionId: z.string(),
  /** Those that are given back: Content-Type and its kind, `x-amz-meta-*`. */
  headers: z.record(z.string(), z.string()),
  checksum: z
    .object({ algorithm: z.string(), value: z.string(), type: z.enum(['FULL_OBJECT', 'COMPOSITE']) })
    .optional(),
});

export type ObjectRecord = Readonly<z.infer<typeof recordSchema>>;

const magic = 'LAMBENT1';
const footerBytes = 4 + magic.length;

/** Completes a file whose body is written. */
export function appendRecord(path: string, record: ObjectRecord): void {
  const json = Buffer.from(JSON.stringify(record));
  const footer = Buffer.alloc(footerBytes);
  footer.writeUInt32LE(json.length);
  footer.write(magic, 4, 'latin1');
  appendFileSync(path, Buffer.concat([json, footer]));
}

/** undefined: the file was never completed. */
export function readRecord(path: string): ObjectRecord | undefined {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const tail = readTail(file, size, Math.min(size, 2048));
    if (tail.length < footerBytes || tail.toString('latin1', tail.length - magic.length) !== magic) return undefined;
    const length = tail.readUInt32LE(tail.length - footerBytes);
    if (length + footerBytes > size) return undefined;
    const json = length + footerBytes > tail.length ? readTail(file, size, length + footerBytes) : tail;
    const record = recordSchema.safeParse(
      JSON.parse(json.toString('utf8', json.length - footerBytes - length, json.length - footerBytes)),
    );
    return record.success && record.data.size === size - length - footerBytes ? record.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  } finally {
    closeSync(file);
  }
}

function readTail(file: number, size: number, bytes: number): Buffer {
  const tail = Buffer.alloc(bytes);
  const read = readSync(file, tail, 0, bytes, size - bytes);
  return tail.subarray(0, read);
}

export type Write = (chunk: Uint8Array) => Promise<void>;

/**
 * Fills a file that nobody sees, then lets `commit` move it into place. Whatever fails, the file is gone afterwards; a full
 * disk is answered with 507, which the SDKs do not repeat.
 */
export async function writeDraft<Filled, Committed>(
  path: string,
  fill: (write: Write) => Promise<Filled>,
  commit: (filled: Filled) => Committed,
): Promise<Committed> {
  try {
    const file = await open(path, 'wx');
    let filled: Filled;
    try {
      filled = await fill((chunk) => file.appendFile(chunk));
    } finally {
      await file.close();
    }
    return commit(filled);
  } catch (error) {
    await rm(path, { force: true });
    throw toStorageError(error);
  }
}

function toStorageError(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'EFBIG') return error;
  return new AwsError(507, 'InternalError', `the disk that holds the objects is full (${code}): nothing was written`);
}
