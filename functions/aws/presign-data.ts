import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Config } from '../config.ts';

/** A URL by which one object of the data bucket is read or written, by whoever has it. */
export function presignData(
  { DATA_BUCKET: Bucket }: Config,
  method: 'GET' | 'PUT',
  Key: string,
  expiresIn: number,
): Promise<string> {
  // Else the SDK signs the checksum of no bytes into the URL, and S3 refuses every other content.
  const client = new S3Client({ requestChecksumCalculation: 'WHEN_REQUIRED' });
  if (method === 'PUT') return getSignedUrl(client, new PutObjectCommand({ Bucket, Key }), { expiresIn });
  return getSignedUrl(client, new GetObjectCommand({ Bucket, Key, ResponseContentDisposition: 'attachment' }), {
    expiresIn,
  });
}
