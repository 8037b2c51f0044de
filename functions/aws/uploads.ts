import { HeadObjectCommand, NotFound, PutObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Config } from '../config.ts';
import type { Services } from '../services.ts';
import { modelFolderKey } from '../storage/object-keys.ts';
import { partBytes, uploadParts } from './upload-parts.ts';

type Uploads = Pick<
  Services,
  'findArtifact' | 'listUploadedVersions' | 'uploadArtifact' | 'replaceArtifact' | 'presignUpload'
>;

/** Large files into the artifacts bucket, and URLs by which others put theirs there. */
export function createUploads({ ARTIFACTS_BUCKET }: Config): Uploads {
  const client = new S3Client({ requestHandler: { connectionTimeout: 3000, socketTimeout: 60_000 } });
  // Else the SDK signs the checksum of no bytes into the URL, and S3 refuses every other content.
  const signer = new S3Client({ requestChecksumCalculation: 'WHEN_REQUIRED' });
  const object = (Key: string) => ({ Bucket: ARTIFACTS_BUCKET, Key });

  return {
    async findArtifact(key) {
      try {
        const { ContentLength, LastModified, Metadata } = await client.send(new HeadObjectCommand(object(key)));
        const uploadedAt = (LastModified ?? new Date(0)).toISOString();
        return { size: ContentLength ?? 0, uploadedAt, ...(Metadata?.sha256 && { sha256: Metadata.sha256 }) };
      } catch (error) {
        if (error instanceof NotFound) return undefined;
        throw error;
      }
    },
    async listUploadedVersions(name) {
      const Prefix = modelFolderKey(name);
      const input = { Bucket: ARTIFACTS_BUCKET, Prefix, Delimiter: '/' };
      const versions: string[] = [];
      for await (const { CommonPrefixes = [] } of paginateListObjectsV2({ client }, input)) {
        versions.push(...CommonPrefixes.map((folder) => folder.Prefix!.slice(Prefix.length, -1)));
      }
      return versions;
    },
    async uploadArtifact(key, file, onProgress) {
      if (file.size > partBytes) return await uploadParts(client, object(key), file, onProgress);
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
