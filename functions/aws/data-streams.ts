import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { Config } from '../config.ts';
import type { WriteCondition } from '../services.ts';
import { isRefused, s3Condition, whileOthersWrite } from './write-condition.ts';

/** S3's own limits are 5 MiB and 10,000 parts: this is enough for 80 GB. */
const partBytes = 8 * 2 ** 20;

/** Objects of the data bucket that are too large to be held at once, written in parts. */
export function createDataStreams({ DATA_BUCKET: Bucket }: Config) {
  const client = new S3Client({ requestHandler: { connectionTimeout: 3000, socketTimeout: 60_000 } });
  return {
    async write(Key: string, chunks: AsyncIterable<Uint8Array>, condition: WriteCondition): Promise<boolean> {
      const { sequencer, contentType = 'application/json' } = condition;
      const { UploadId } = await client.send(
        new CreateMultipartUploadCommand({
          Bucket,
          Key,
          ContentType: contentType,
          ...(sequencer !== undefined && { Metadata: { sequencer } }),
        }),
      );
      const upload = { Bucket, Key, UploadId };
      try {
        const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
        for await (const Body of inParts(chunks)) {
          const PartNumber = Parts.length + 1;
          const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
          Parts.push({ PartNumber, ETag });
        }
        const complete = { ...upload, MultipartUpload: { Parts }, ...s3Condition(condition) };
        await whileOthersWrite(() => client.send(new CompleteMultipartUploadCommand(complete)));
        return true;
      } catch (error) {
        await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
        if (isRefused(error, condition)) return false;
        throw error;
      }
    },
  };
}

/** Joins chunks to parts of one size; the last is what is left, and there is one where there are no bytes at all. */
async function* inParts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes < partBytes) continue;
    const joined = Buffer.concat(waiting);
    let start = 0;
    for (; joined.length - start >= partBytes; start += partBytes) yield joined.subarray(start, start + partBytes);
    waiting = [joined.subarray(start)];
    bytes = joined.length - start;
  }
  yield Buffer.concat(waiting);
}
