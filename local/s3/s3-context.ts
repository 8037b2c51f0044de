import type { ServerResponse } from 'node:http';
import type { S3EventRecord } from 'aws-lambda';
import { createEventRecord } from './event-record.ts';
import type { ObjectStore, StoredObject } from './object-store.ts';
import type { S3Request } from './s3-request.ts';
import type { UploadStore } from './upload-store.ts';

/** What the operations of S3 work with. */
export interface S3Context {
  readonly objects: ObjectStore;
  readonly uploads: UploadStore;
  /** Hands an event to all listeners; resolves when they have taken it. */
  emit(record: S3EventRecord): Promise<void>;
}

export type S3Handler = (context: S3Context, request: S3Request, response: ServerResponse) => Promise<void>;

export function emitCreated(context: S3Context, how: string, bucket: string, object: StoredObject): Promise<void> {
  return context.emit(createEventRecord(`ObjectCreated:${how}`, { ...object, bucket, created: object }));
}

/** Headers by which an answer describes an object version that was written or read. */
export function versionHeaders(object: StoredObject): Record<string, string> {
  return { etag: `"${object.etag}"`, 'x-amz-version-id': object.versionId, 'x-amz-server-side-encryption': 'AES256' };
}

export function checksumHeaders({ checksum }: Pick<StoredObject, 'checksum'>): Record<string, string> {
  if (!checksum) return {};
  return { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

/** `ChecksumCRC32` and its kind, as answers in XML name them. */
export function checksumElements({ checksum }: Pick<StoredObject, 'checksum'>): Record<string, string> {
  if (!checksum) return {};
  return { [`Checksum${checksum.algorithm.toUpperCase()}`]: checksum.value, ChecksumType: checksum.type };
}
