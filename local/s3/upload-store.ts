import { randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { AwsError } from '../aws-error.ts';
import { type StoredObject, wholeSeconds } from './object-store.ts';
import { appendRecord, type ObjectRecord, readRecord, type Write, writeDraft } from './record-file.ts';

const uploadSchema = z.object({
  id: z.string(),
  bucket: z.string(),
  key: z.string(),
  initiated: z.string(),
  headers: z.record(z.string(), z.string()),
  checksum: z.object({ algorithm: z.string(), type: z.enum(['FULL_OBJECT', 'COMPOSITE']) }).optional(),
});

export interface Upload extends Readonly<z.infer<typeof uploadSchema>> {
  readonly parts: Map<number, ObjectRecord>;
}

export interface UploadStore {
  create(upload: Omit<Upload, 'id' | 'initiated' | 'parts'>): Upload;
  /** Throws NoSuchUpload. */
  find(bucket: string, key: string, id: string): Upload;
  list(bucket: string): Upload[];
  writePart(
    upload: Upload,
    number: number,
    fill: (write: Write) => Promise<Pick<ObjectRecord, 'size' | 'etag' | 'checksum'>>,
  ): Promise<ObjectRecord>;
  /** The bytes of these parts, one after the other. */
  readParts(upload: Upload, numbers: readonly number[]): AsyncIterable<Buffer>;
  remove(upload: Upload): void;
  /** What completed uploads became, by id: a client whose connection broke completes again, and S3 answers the same. */
  readonly completed: Map<string, StoredObject>;
}

/** Multipart uploads in progress, which outlive a restart: `.uploads/<id>/upload.json` and a record file for each part. */
export function openUploadStore(directory: string): UploadStore {
  const root = join(directory, '.uploads');
  mkdirSync(root, { recursive: true });
  const uploads = new Map<string, Upload>();
  for (const id of readdirSync(root)) {
    const upload = loadUpload(join(root, id));
    if (upload) uploads.set(id, upload);
    else rmSync(join(root, id), { recursive: true, force: true });
  }
  return {
    completed: new Map(),
    create(given) {
      const description = { ...given, id: randomUUID().replaceAll('-', ''), initiated: wholeSeconds(new Date()) };
      const folder = join(root, description.id);
      mkdirSync(folder);
      writeFileSync(join(folder, 'draft-upload'), JSON.stringify(description));
      renameSync(join(folder, 'draft-upload'), join(folder, 'upload.json'));
      const upload = { ...description, parts: new Map() };
      uploads.set(upload.id, upload);
      return upload;
    },
    find(bucket, key, id) {
      const upload = uploads.get(id);
      if (upload?.bucket === bucket && upload.key === key) return upload;
      throw noSuchUpload();
    },
    list: (bucket) => [...uploads.values()].filter((upload) => upload.bucket === bucket),
    writePart(upload, number, fill) {
      const folder = join(root, upload.id);
      const draft = join(folder, `draft-${randomUUID()}`);
      return writeDraft(draft, fill, (filled) => {
        if (!uploads.has(upload.id)) throw noSuchUpload();
        const lastModified = wholeSeconds(new Date());
        const part = { ...filled, key: upload.key, headers: {}, versionId: '', lastModified };
        appendRecord(draft, part);
        renameSync(draft, join(folder, String(number)));
        upload.parts.set(number, part);
        return part;
      });
    },
    async *readParts(upload, numbers) {
      for (const number of numbers) {
        const { size } = upload.parts.get(number)!;
        if (size > 0) yield* createReadStream(join(root, upload.id, String(number)), { end: size - 1 });
      }
    },
    remove(upload) {
      uploads.delete(upload.id);
      rmSync(join(root, upload.id), { recursive: true, force: true });
    },
  };
}

function loadUpload(folder: string): Upload | undefined {
  const names = readdirSync(folder);
  if (!names.includes('upload.json')) return undefined;
  const description = readDescription(join(folder, 'upload.json'));
  if (!description) return undefined;
  const parts = new Map<number, ObjectRecord>();
  for (const name of names) {
    if (name.startsWith('draft-')) rmSync(join(folder, name));
    const part = /^\d+$/.test(name) ? readRecord(join(folder, name)) : undefined;
    if (part) parts.set(Number(name), part);
  }
  return { ...description, parts };
}

/** undefined: the file is damaged, which its owner is told; whoever goes on with the upload hears that it is none. */
function readDescription(file: string): z.infer<typeof uploadSchema> | undefined {
  try {
    return uploadSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
    process.stderr.write(`lambent: ${file} is damaged: the upload is left out\n`);
    return undefined;
  }
}

function noSuchUpload(): AwsError {
  return new AwsError(404, 'NoSuchUpload', 'The upload id does not exist: it may have been aborted or completed.');
}
