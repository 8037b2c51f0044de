import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import { fileKey } from '../storage/object-keys.ts';
import { createId, type Kind, ownedRecord, readOwned } from './owned-records.ts';

/** What a file is for, in OpenAI's words. */
export const filePurposes = ['assistants', 'batch', 'fine-tune', 'vision', 'user_data', 'evals'] as const;

const storedFileSchema = z.object({
  ...ownedRecord,
  filename: z.string(),
  purpose: z.enum([...filePurposes, 'batch_output']),
  bytes: z.int().min(0),
  /** Where its content lies in the data bucket, and which content it is. */
  key: z.string(),
  etag: z.string(),
});

export type StoredFile = z.infer<typeof storedFileSchema>;

export const storedFiles: Kind<StoredFile> = { kind: 'FILE', schema: storedFileSchema, word: 'file' };

/** Of a file to be. */
export interface FileDescription {
  readonly filename: string;
  readonly purpose: StoredFile['purpose'];
  /** Seconds from its creation to its end. */
  readonly expiresAfter?: number | undefined;
}

/**
 * Enters a file whose content lies at the key of `id` already: it is there from now on. Entered twice, it stays what it
 * was. Throws invalid_request where the content is not there.
 */
export async function enterFile(
  owner: string,
  id: string,
  { filename, purpose, expiresAfter }: FileDescription,
  services: Pick<Services, 'findData' | 'readRecord' | 'writeRecord'>,
): Promise<StoredFile> {
  const key = fileKey(owner, id, expiresAfter !== undefined);
  const object = await services.findData(key);
  if (!object) throw new ServiceError('invalid_request', `the content of ${filename} has not been uploaded`);
  const createdAt = Math.floor(Date.now() / 1000);
  const file: StoredFile = {
    ...{ id, revision: 1, createdAt, filename, purpose, key, bytes: object.size, etag: object.etag },
    ...(expiresAfter !== undefined && { expiresAt: createdAt + expiresAfter }),
  };
  if (await services.writeRecord('FILE', owner, file)) return file;
  return await readOwned(storedFiles, owner, id, services);
}

/** Keeps a file that came whole. */
export async function keepFile(
  owner: string,
  bytes: Uint8Array,
  description: FileDescription,
  services: Pick<Services, 'findData' | 'writeData' | 'readRecord' | 'writeRecord'>,
): Promise<StoredFile> {
  const id = createId('file-');
  const key = fileKey(owner, id, description.expiresAfter !== undefined);
  await services.writeData(key, bytes, { contentType: 'application/octet-stream' });
  return await enterFile(owner, id, description, services);
}
