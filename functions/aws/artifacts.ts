import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Config } from '../config.ts';
import { ServiceError } from '../errors.ts';
import { isRefused, s3Condition, whileOthersWrite } from './write-condition.ts';

/** Enough to tell the formats of files apart. */
const headBytes = 64;

/** The artifacts bucket: model packages and Triton's archives. */
export function createArtifacts({ ARTIFACTS_BUCKET }: Config) {
  const client = new S3Client({ requestHandler: { connectionTimeout: 3000, socketTimeout: 30_000 } });

  /** False: an object was there already. */
  async function writeArtifact(Key: string, Body: Uint8Array): Promise<boolean> {
    const put = new PutObjectCommand({ Bucket: ARTIFACTS_BUCKET, Key, Body, ...s3Condition({}) });
    try {
      await whileOthersWrite(() => client.send(put));
      return true;
    } catch (error) {
      if (isRefused(error, {})) return false;
      throw error;
    }
  }

  return {
    /** Throws model_failed where the bucket has no such object, or where it is larger than `maxBytes`. */
    async readArtifact(key: string, maxBytes = Number.POSITIVE_INFINITY): Promise<Buffer> {
      try {
        const { Body, ContentLength = 0 } = await client.send(
          new GetObjectCommand({ Bucket: ARTIFACTS_BUCKET, Key: key }),
        );
        if (ContentLength > maxBytes) {
          (Body as Readable).destroy();
          throw new ServiceError('model_failed', `'${key}' has ${ContentLength} bytes; ${maxBytes} are allowed`);
        }
        const bytes = await Body!.transformToByteArray();
        return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
      } catch (error) {
        if (!(error instanceof NoSuchKey)) throw error;
        throw new ServiceError('model_failed', `the artifacts bucket has no object '${key}'`, { cause: error });
      }
    },
    async inspectArtifact(key: string, size: number, { headOnly } = { headOnly: false }) {
      try {
        const answer = await client.send(
          new GetObjectCommand({
            Bucket: ARTIFACTS_BUCKET,
            Key: key,
            ...(headOnly && { Range: `bytes=0-${headBytes - 1}` }),
          }),
        );
        const body = answer.Body as Readable;
        if (headOnly) return { size: Number(answer.ContentRange?.split('/')[1]), head: await readHex(body) };
        if (answer.ContentLength !== size) {
          body.destroy();
          return { size: answer.ContentLength ?? 0, head: '' };
        }
        const hash = createHash('sha256');
        let head = '';
        for await (const chunk of body as AsyncIterable<Buffer>) {
          if (head.length < 2 * headBytes) head += chunk.toString('hex', 0, headBytes);
          hash.update(chunk);
        }
        return { size, sha256: hash.digest('hex'), head };
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    writeArtifact,
  };
}

async function readHex(body: Readable): Promise<string> {
  return Buffer.concat(await body.toArray()).toString('hex');
}
