import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { Config } from '../config.ts';
import type { DataObject, WriteCondition } from '../services.ts';

const maxConflicts = 5;

/** The data bucket: uploads, and what became of them. */
export function createData({ DATA_BUCKET: Bucket }: Config) {
  const client = new S3Client({ requestHandler: { connectionTimeout: 3000, socketTimeout: 30_000 } });

  async function write(key: string, body: Uint8Array, condition: WriteCondition, attempt = 1): Promise<boolean> {
    const { replaces, sequencer } = condition;
    try {
      await client.send(
        new PutObjectCommand({
          Bucket,
          Key: key,
          Body: body,
          ContentType: 'application/json',
          Metadata: { sequencer },
          ...(replaces === undefined ? { IfNoneMatch: '*' } : { IfMatch: replaces }),
        }),
      );
      return true;
    } catch (error) {
      const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      // 404: what it was to replace is gone.
      if (status === 412 || (status === 404 && replaces !== undefined)) return false;
      // Another writer was at it at the same moment (ConditionalRequestConflict): now it has won, or nobody has.
      if (status === 409 && attempt < maxConflicts) return await write(key, body, condition, attempt + 1);
      throw error;
    }
  }

  return {
    async read(key: string): Promise<Buffer | undefined> {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key }));
        return Buffer.from(await Body!.transformToByteArray());
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    async find(key: string): Promise<DataObject | undefined> {
      try {
        const head = await client.send(new HeadObjectCommand({ Bucket, Key: key }));
        return {
          etag: head.ETag!,
          size: head.ContentLength!,
          ...(head.VersionId && { versionId: head.VersionId }),
          ...(head.ContentType && { contentType: head.ContentType }),
          ...(head.Metadata?.sequencer && { sequencer: head.Metadata.sequencer }),
        };
      } catch (error) {
        if (error instanceof NotFound) return undefined;
        throw error;
      }
    },
    write: (key: string, body: Uint8Array, condition: WriteCondition) => write(key, body, condition),
    async remove(key: string, etag: string): Promise<void> {
      try {
        await client.send(new DeleteObjectCommand({ Bucket, Key: key, IfMatch: etag }));
      } catch (error) {
        const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
        if (status !== 412 && status !== 409 && status !== 404) throw error;
      }
    },
  };
}
