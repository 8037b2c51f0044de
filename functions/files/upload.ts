import { createHash } from 'node:crypto';
import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import { fileKey, workKey } from '../storage/object-keys.ts';
import { createId, type Kind, ownedRecord, readOwned } from './owned-records.ts';
import { enterFile, filePurposes, type StoredFile } from './stored-file.ts';

/** S3's limit of one PUT. */
export const maxUploadBytes = 5 * 2 ** 30;
/** Parts that came through the API are joined within one request. */
const maxJoinedBytes = 512 * 2 ** 20;
/** An upload that is not completed within an hour is none. */
export const uploadSeconds = 3600;

const uploadSchema = z.object({
  ...ownedRecord,
  status: z.enum(['pending', 'completed', 'cancelled']),
  filename: z.string(),
  purpose: z.enum(filePurposes),
  bytes: z.int().min(1),
  expiresAfter: z.int().optional(),
  /** Until when parts are taken, in seconds since the epoch. */
  openUntil: z.int(),
});

export type Upload = z.infer<typeof uploadSchema>;

export const uploads: Kind<Upload> = { kind: 'UPLOAD', schema: uploadSchema, word: 'upload' };

/** Days after which the table forgets an upload; its parts are gone by then. */
const keptDays = 30;

/** Begins an upload. */
export async function createUpload(
  owner: string,
  asked: Pick<Upload, 'filename' | 'purpose' | 'bytes' | 'expiresAfter'>,
  services: Pick<Services, 'writeRecord'>,
): Promise<Upload> {
  const createdAt = Math.floor(Date.now() / 1000);
  const upload: Upload = {
    ...asked,
    ...{ id: createId('upload_'), revision: 1, status: 'pending', createdAt },
    openUntil: createdAt + uploadSeconds,
    expiresAt: createdAt + keptDays * 86_400,
  };
  await services.writeRecord('UPLOAD', owner, upload);
  return upload;
}

/** An upload becomes one file, always the same one. */
export function fileIdOf({ id }: Upload): string {
  return id.replace('upload_', 'file-');
}

/** Where the whole content goes that is put at once, past the API. */
export function contentKeyOf(owner: string, upload: Upload): string {
  return fileKey(owner, fileIdOf(upload), upload.expiresAfter !== undefined);
}

/** Where an upload stands: one that nobody completed in time has expired. */
export function uploadStatus({ status, openUntil }: Upload): Upload['status'] | 'expired' {
  return status === 'pending' && openUntil * 1000 <= Date.now() ? 'expired' : status;
}

type Uploading = Pick<
  Services,
  'readRecord' | 'writeRecord' | 'findData' | 'listData' | 'writeData' | 'writeDataStream' | 'streamData'
>;

/** Takes a part; parts have no order until the upload is completed. Gives the part's id. */
export async function addPart(owner: string, id: string, bytes: Uint8Array, services: Uploading): Promise<string> {
  const upload = await readOwned(uploads, owner, id, services);
  checkPending(upload);
  const part = createId('part_');
  await services.writeData(workKey('uploads', upload.id, part), bytes, { contentType: 'application/octet-stream' });
  return part;
}

/**
 * Makes the file of an upload: of its parts in this order, or, with none, of what was put to its URL. Completed twice, it is
 * the same file. Throws invalid_request where the bytes are not as many as were announced, or not those of `md5`.
 */
export async function completeUpload(
  owner: string,
  id: string,
  { parts, md5 }: { parts: readonly string[]; md5?: string | undefined },
  services: Uploading,
): Promise<{ upload: Upload; file: StoredFile }> {
  const upload = await readOwned(uploads, owner, id, services);
  if (upload.status !== 'completed') {
    checkPending(upload);
    if (parts.length > 0) await joinParts(owner, upload, { parts, md5 }, services);
    await checkContent(owner, upload, parts.length > 0 ? undefined : md5, services);
  }
  const { filename, purpose, expiresAfter } = upload;
  const file = await enterFile(owner, fileIdOf(upload), { filename, purpose, expiresAfter }, services);
  if (upload.status === 'completed') return { upload, file };
  return { upload: await changeStatus(owner, upload, 'completed', services), file };
}

/** What was uploaded so far is removed with the other work of 30 days ago. */
export async function cancelUpload(owner: string, id: string, services: Uploading): Promise<Upload> {
  const upload = await readOwned(uploads, owner, id, services);
  if (upload.status === 'cancelled') return upload;
  checkPending(upload);
  return await changeStatus(owner, upload, 'cancelled', services);
}

function checkPending(upload: Upload): void {
  const status = uploadStatus(upload);
  if (status === 'pending') return;
  throw new ServiceError('invalid_request', `upload ${upload.id} is ${status}: create another one`);
}

async function changeStatus(
  owner: string,
  upload: Upload,
  status: Upload['status'],
  services: Uploading,
): Promise<Upload> {
  const changed = { ...upload, status, revision: upload.revision + 1 };
  if (await services.writeRecord('UPLOAD', owner, changed)) return changed;
  const now = await readOwned(uploads, owner, upload.id, services);
  if (now.status === status) return now;
  throw new ServiceError('conflict', `upload ${upload.id} was ${now.status} at the same moment`);
}

async function joinParts(
  owner: string,
  upload: Upload,
  { parts, md5 }: { parts: readonly string[]; md5?: string | undefined },
  services: Uploading,
): Promise<void> {
  if (upload.bytes > maxJoinedBytes) {
    const limit = `parts are joined up to ${maxJoinedBytes} bytes`;
    throw new ServiceError(
      'payload_too_large',
      `${limit}; put the whole content to the upload's url, then complete without parts`,
    );
  }
  const keys = parts.map((part) => workKey('uploads', upload.id, part));
  // One listing: thousands of parts may be named.
  const there = new Map<string, number>();
  for await (const { key, size } of services.listData(workKey('uploads', upload.id, ''))) there.set(key, size);
  const missing = keys.findIndex((key) => !there.has(key));
  if (missing >= 0)
    throw new ServiceError('not_found', `upload ${upload.id} has no part '${parts[missing]?.slice(0, 100)}'`);
  checkSize(
    upload,
    keys.reduce((sum, key) => sum + there.get(key)!, 0),
  );
  const hash = createHash('md5');
  async function* content(): AsyncGenerator<Uint8Array> {
    for (const key of keys) {
      for await (const chunk of (await services.streamData(key))!) {
        hash.update(chunk);
        yield chunk;
      }
    }
    // Before the object is completed: what fails leaves nothing behind.
    checkDigest(md5, hash.digest('hex'));
  }
  const condition = { contentType: 'application/octet-stream' };
  await services.writeDataStream(contentKeyOf(owner, upload), content(), condition);
}

/** Whatever way the content came; the digest of one that was put at once is its ETag. */
async function checkContent(
  owner: string,
  upload: Upload,
  md5: string | undefined,
  services: Uploading,
): Promise<void> {
  const object = await services.findData(contentKeyOf(owner, upload));
  if (!object) {
    throw new ServiceError(
      'invalid_request',
      `upload ${upload.id} has no content: name its part_ids, or put it to its url`,
    );
  }
  checkSize(upload, object.size);
  checkDigest(md5, object.etag.replaceAll('"', ''));
}

function checkSize({ id, bytes }: Upload, given: number): void {
  if (given === bytes) return;
  throw new ServiceError('invalid_request', `upload ${id} has ${given} bytes; ${bytes} were announced`);
}

function checkDigest(wanted: string | undefined, found: string): void {
  if (wanted === undefined || wanted.toLowerCase() === found) return;
  throw new ServiceError('invalid_request', `the content's md5 is ${found}; ${wanted.slice(0, 40)} was announced`);
}
