import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type Part,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { ArtifactFile } from '../services.ts';

/** S3's own limits are 5 MiB and 10,000 parts: this is enough for 80 GB. An upload is taken up with the same size. */
export const partBytes = 8 * 2 ** 20;
const partsAtOnce = 4;

interface S3Object {
  readonly Bucket: string;
  readonly Key: string;
}

/**
 * Uploads a file in parts, several at once. Parts that an interrupted upload of the same file has left are not sent
 * again; what fails leaves its parts for the next try, and the bucket forgets them after a week.
 */
export async function uploadParts(
  client: S3Client,
  object: S3Object,
  file: ArtifactFile,
  onProgress: (bytes: number) => void,
): Promise<void> {
  const { UploadId, there } = (await takeUp(client, object, file)) ?? (await begin(client, object, file));
  const count = Math.ceil(file.size / partBytes);
  const parts: { PartNumber: number; ETag: string | undefined }[] = [];
  let failed = false;
  const worker = async () => {
    while (parts.length < count && !failed) {
      const part = { PartNumber: parts.length + 1, ETag: there.get(parts.length + 1) };
      parts.push(part);
      if (!part.ETag) {
        const Body = await readPart(file, part.PartNumber);
        const sent = await client.send(new UploadPartCommand({ ...object, UploadId, ...part, Body }));
        part.ETag = sent.ETag;
      }
      onProgress(partSize(file, part.PartNumber));
    }
  };
  const workers = Array.from({ length: partsAtOnce }, worker);
  await Promise.all(workers).catch(async (error: unknown) => {
    failed = true;
    await Promise.allSettled(workers);
    throw error;
  });
  await client.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload: { Parts: parts } }));
}

interface Begun {
  readonly UploadId: string | undefined;
  /** ETags of the parts that have arrived, by number. */
  readonly there: ReadonlyMap<number, string>;
}

async function begin(client: S3Client, object: S3Object, { sha256 }: ArtifactFile): Promise<Begun> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...object, Metadata: { sha256 } }));
  return { UploadId, there: new Map() };
}

/** The upload of this file that was interrupted; those of other files under the same key are given up. */
async function takeUp(client: S3Client, object: S3Object, file: ArtifactFile): Promise<Begun | undefined> {
  const { Bucket, Key } = object;
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
  for (const { UploadId } of Uploads.filter((upload) => upload.Key === Key)) {
    // The first 1,000 parts, which S3 lists at once, are 8 GB.
    const { Parts = [] } = await client.send(new ListPartsCommand({ ...object, UploadId }));
    const same = await Promise.all(Parts.map((part) => isPart(file, part)));
    if (same.length > 0 && !same.includes(false)) {
      return { UploadId, there: new Map(Parts.map(({ PartNumber, ETag }) => [PartNumber!, ETag!])) };
    }
    await client.send(new AbortMultipartUploadCommand({ ...object, UploadId }));
  }
  return undefined;
}

/** A part's ETag is its MD5. Source: Amazon S3, "Checking object integrity", for objects that S3 encrypts itself. */
async function isPart(file: ArtifactFile, { PartNumber = 0, ETag, Size }: Part): Promise<boolean> {
  if (Size !== partSize(file, PartNumber)) return false;
  const digest = createHash('md5').update(await readPart(file, PartNumber));
  return ETag === `"${digest.digest('hex')}"`;
}

function partSize({ size }: ArtifactFile, partNumber: number): number {
  return Math.min(partBytes, size - (partNumber - 1) * partBytes);
}

function readPart(file: ArtifactFile, partNumber: number): Promise<Uint8Array> {
  return file.read((partNumber - 1) * partBytes, partSize(file, partNumber));
}
