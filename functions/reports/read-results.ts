import { createHash } from 'node:crypto';
import { splitLines } from '../datasets/split-lines.ts';
import { ServiceError } from '../errors.ts';
import { errorLineSchema, resultLineSchema } from '../jobs/result-lines.ts';
import type { ResultsManifest } from '../jobs/results-manifest.ts';
import type { Services } from '../services.ts';

/** A record of a job's results. */
export interface ResultRecord {
  readonly custom_id: string;
  readonly chunk: number;
  /** Undefined: it failed. */
  readonly output?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
  /** Undefined: it has none. */
  readonly label?: unknown;
  readonly group?: string;
  readonly source?: string;
}

type Effects = Pick<Services, 'streamData'>;

/**
 * All records of a job's results, part by part, then those that failed. Throws conflict where an object is not the one that
 * the manifest names: a later attempt is replacing it.
 */
export async function* readResults(manifest: ResultsManifest, { streamData }: Effects): AsyncGenerator<ResultRecord> {
  for (const { key, chunk, sha256 } of manifest.parts) {
    for await (const line of readLines(key, streamData, sha256)) yield { ...resultLineSchema.parse(line), chunk };
  }
  if (manifest.errors === undefined) return;
  for await (const line of readLines(manifest.errors, streamData)) {
    yield { ...errorLineSchema.parse(line), output: undefined };
  }
}

async function* readLines(key: string, streamData: Services['streamData'], sha256?: string): AsyncGenerator<unknown> {
  const chunks = await streamData(key);
  if (!chunks) throw replaced(key);
  const digest = createHash('sha256');
  for await (const { bytes } of splitLines(digested(chunks, digest))) {
    if (bytes.length > 0) yield JSON.parse(bytes.toString('utf8'));
  }
  if (sha256 !== undefined && digest.digest('hex') !== sha256) throw replaced(key);
}

async function* digested(chunks: AsyncIterable<Uint8Array>, digest: ReturnType<typeof createHash>) {
  for await (const chunk of chunks) {
    digest.update(chunk);
    yield chunk;
  }
}

function replaced(key: string): ServiceError {
  return new ServiceError('conflict', `'${key}' is not what the manifest names: a later attempt is replacing it`);
}
