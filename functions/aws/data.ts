import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { Config } from '../config.ts';
import { ServiceError } from '../errors.ts';
import type { DataObject, ListedObject, Services, WriteCondition } from '../services.ts';
import { isRefused, s3Condition, whileOthersWrite } from './write-condition.ts';

type Body = NonNullable<GetObjectCommandOutput['Body']>;
type Part = NonNullable<Parameters<Services['streamData']>[1]>;

/** The data bucket: uploads, and what became of them. */
export function createData({ DATA_BUCKET: Bucket }: Config) {
  const client = new S3Client({ requestHandler: { connectionTimeout: 3000, socketTimeout: 30_000 } });

  async function write(Key: string, Body: Uint8Array, condition: WriteCondition): Promise<boolean> {
    const { sequencer, contentType = 'application/json' } = condition;
    const Metadata = sequencer === undefined ? undefined : { sequencer };
    const put = { Bucket, Key, Body, ContentType: contentType, Metadata, ...s3Condition(condition) };
    try {
      await whileOthersWrite(() => client.send(new PutObjectCommand(put)));
      return true;
    } catch (error) {
      if (isRefused(error, condition)) return false;
      throw error;
    }
  }

  /** Undefined: there is no such object. */
  async function open(Key: string, part: Part = {}): Promise<Body | undefined> {
    const { start, end, etag } = part;
    const range = start !== undefined || end !== undefined;
    // A range of no bytes is none that HTTP knows.
    const Range = range ? `bytes=${start ?? 0}-${end === undefined ? '' : end - 1}` : undefined;
    try {
      const answer = await client.send(new GetObjectCommand({ Bucket, Key, Range, IfMatch: etag }));
      return answer.Body;
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      if (!isRefused(error, { replaces: etag })) throw error;
      throw new ServiceError('conflict', `'${Key}' was replaced while it was read`, { cause: error });
    }
  }

  return {
    async read(key: string): Promise<Buffer | undefined> {
      const body = await open(key);
      return body && Buffer.from(await body.transformToByteArray());
    },
    async stream(key: string, part?: Part): Promise<AsyncIterable<Buffer> | undefined> {
      return (await open(key, part)) as AsyncIterable<Buffer> | undefined;
    },
    async *list(Prefix: string): AsyncGenerator<ListedObject> {
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }));
        for (const { Key, ETag, Size } of page.Contents ?? []) yield { key: Key!, etag: ETag!, size: Size! };
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
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
    write,
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
