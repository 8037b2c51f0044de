import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { S3EventRecord } from 'aws-lambda';
import { type S3StandIn, startS3 } from '../../../local/s3/s3.ts';

export interface TestS3 {
  s3: S3StandIn;
  client: S3Client;
  readonly directory: string;
  readonly events: S3EventRecord[];
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** The stand-in on an empty folder, with the bucket `data`, and the SDK's client at its defaults. */
export async function startTestS3(): Promise<TestS3> {
  const directory = await mkdtemp(join(tmpdir(), 'lambent-s3-'));
  const events: S3EventRecord[] = [];
  const start = async () => {
    const s3 = await startS3({ directory, buckets: ['data'] });
    s3.onEvent((record) => void events.push(record));
    return { s3, client: createClient(s3.url) };
  };
  const stop = async ({ s3, client }: Pick<TestS3, 's3' | 'client'>) => {
    client.destroy();
    await s3.close();
  };
  const test: TestS3 = {
    ...(await start()),
    directory,
    events,
    async restart() {
      await stop(test);
      Object.assign(test, await start());
    },
    async close() {
      await stop(test);
      await rm(directory, { recursive: true });
    },
  };
  return test;
}

export function createClient(endpoint: string, more: S3ClientConfig = {}): S3Client {
  return new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    ...more,
  });
}

/** The error's name and HTTP status, for one comparison of a whole value. */
export async function failure(attempt: Promise<unknown>): Promise<[string, number | undefined]> {
  try {
    await attempt;
  } catch (error) {
    const { name, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    return [name, $metadata?.httpStatusCode];
  }
  throw new Error('it did not fail');
}
