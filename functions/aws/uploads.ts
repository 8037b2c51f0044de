import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  NotFound,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Config } from '../config.ts';
import type { ArtifactFile, Services } from '../services.ts';

/** S3's own limits are 5 MiB and 10,000 parts: this is enough for 80 GB. */
const partBytes = 8 * 2 ** 20;
const partsAtOnce = 4;

type Uploads = Pick<Services, 'findArtifact' | 'uploadArtifact' | 'replaceArtifact' | 'presignUpload'>;

/** Large files into the artifacts bucket, and URLs by which others put theirs there. */
export function createUploads({ ARTIFACTS_BUCKET }: Config): Uploads {
  const client = new S3Client({ requestHandler: { connectionTimeout: 3000, socketTimeout: 60_000 } });
  // Else the SDK signs the checksum of no bytes into the URL, and S3 refuses every other content.
  const signer = new S3Client({ requestChecksumCalculation: 'WHEN_REQUIRED' });
  const object = (Key: string) => ({ Bucket: ARTIFACTS_BUCKET, Key });

  /** In parts, several at once. What was begun and fails is given up, so that no part stays behind. */
  async function uploadParts(key: string, file: ArtifactFile, onProgress: (bytes: number) => void): Promise<void> {
    const Metadata = { sha256: file.sha256 };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...object(key), Metadata }));
    const upload = { ...object(key), UploadId };
    try {
      const count = Math.ceil(file.size / partBytes);
      const parts: { PartNumber: number; ETag: string | undefined }[] = [];
      const worker = async () => {
        while (parts.length < count) {
          const index = parts.push({ PartNumber: parts.length + 1, ETag: undefined }) - 1;
          const Body = await file.read(index * partBytes, Math.min(partBytes, file.size - index * partBytes));
          const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber: index + 1, Body }));
          parts[index]!.ETag = ETag;
          onProgress(Body.length);
        }
      };
      await Promise.all(Array.from({ length: partsAtOnce }, worker));
      await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }));
    } catch (error) {
      await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
      throw error;
    }
  }

  return {
    async findArtifact(key) {
      try {
        const { ContentLength, Metadata } = await client.send(new HeadObjectCommand(object(key)));
        return { size: ContentLength ?? 0, ...(Metadata?.sha256 && { sha256: Metadata.sha256 }) };
      } catch (error) {
        if (error instanceof NotFound) return undefined;
        throw error;
      }
    },
    async uploadArtifact(key, file, onProgress) {
      if (file.size > partBytes) return await uploadParts(key, file, onProgress);
      const Body = await file.read(0, file.size);
      await client.send(new PutObjectCommand({ ...object(key), Body, Metadata: { sha256: file.sha256 } }));
      onProgress(file.size);
    },
    async replaceArtifact(key, body) {
      await client.send(new PutObjectCommand({ ...object(key), Body: body }));
    },
    presignUpload: (key, expiresIn) => getSignedUrl(signer, new PutObjectCommand(object(key)), { expiresIn }),
  };
}
