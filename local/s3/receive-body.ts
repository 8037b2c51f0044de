import { createHash, type Hash } from 'node:crypto';
import { AwsError } from '../aws-error.ts';
import { decodeAwsChunked } from './aws-chunked.ts';
import { type ChecksumAlgorithm, type ChecksumState, createChecksum, isChecksumAlgorithm } from './checksums.ts';
import type { ObjectRecord, Write } from './record-file.ts';
import type { S3Request } from './s3-request.ts';

const largestPut = 5 * 1024 ** 3;

export interface BodyDigest {
  readonly size: number;
  readonly md5: Buffer;
  readonly checksum?: NonNullable<ObjectRecord['checksum']>;
}

/**
 * Passes a request's body to `write`, decoded, and verifies what the client said of it: its length, Content-MD5,
 * x-amz-content-sha256 and the checksum in a header or trailer. Throws BadDigest, XAmzContentSHA256Mismatch, IncompleteBody.
 */
export async function receiveBody(request: S3Request, write: Write): Promise<BodyDigest> {
  const { headers } = request;
  const chunked = (headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-') || isAwsChunked(headers);
  const length = declaredLength(headers);
  const algorithm = checksumAlgorithm(headers);
  const trailers = new Map<string, string>();
  // A body that is refused is not read to its end, and its connection lives on: the rest is dropped after the answer.
  const body = request.body.iterator({ destroyOnReturn: false });
  const source = chunked ? decodeAwsChunked(body, trailers) : body;
  const sha256 = /^[\da-f]{64}$/.test(headers['x-amz-content-sha256'] ?? '') ? createHash('sha256') : undefined;
  const digest = await digestBody(source, { algorithm, sha256, write });
  if (digest.size !== length) {
    throw new AwsError(400, 'IncompleteBody', `the body has ${digest.size} bytes, the headers say ${length}`);
  }
  checkMd5(headers['content-md5'], digest.md5);
  if (sha256 && sha256.digest('hex') !== headers['x-amz-content-sha256']) {
    throw new AwsError(400, 'XAmzContentSHA256Mismatch', 'x-amz-content-sha256 does not match what was received');
  }
  if (algorithm) checkChecksum(algorithm, headers, trailers, digest);
  return digest;
}

/** Passes `source` to `write` and digests it on the way. */
export async function digestBody(
  source: AsyncIterable<Buffer>,
  options: { readonly algorithm?: ChecksumAlgorithm; readonly sha256?: Hash; readonly write: Write },
): Promise<BodyDigest> {
  const md5 = createHash('md5');
  const state = options.algorithm && createChecksum(options.algorithm);
  const digests: (ChecksumState | Hash | undefined)[] = [md5, options.sha256, state];
  let size = 0;
  for await (const chunk of source) {
    for (const digest of digests) digest?.update(chunk);
    size += chunk.length;
    await options.write(chunk);
  }
  const base = { size, md5: md5.digest() };
  if (!options.algorithm || !state) return base;
  const value = state.digest().toString('base64');
  return { ...base, checksum: { algorithm: options.algorithm, value, type: 'FULL_OBJECT' } };
}

/** A small body in memory, verified in the same way. */
export async function receiveText(request: S3Request, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  await receiveBody(request, async (chunk) => {
    size += chunk.length;
    if (size > limit) throw new AwsError(400, 'MaxMessageLengthExceeded', `the body exceeds ${limit} bytes`);
    chunks.push(chunk);
  });
  return Buffer.concat(chunks).toString();
}

function isAwsChunked(headers: S3Request['headers']): boolean {
  return /\baws-chunked\b/.test(headers['content-encoding'] ?? '');
}

function declaredLength(headers: S3Request['headers']): number {
  const length = headers['x-amz-decoded-content-length'] ?? headers['content-length'];
  if (length === undefined || !/^\d+$/.test(length)) {
    throw new AwsError(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  if (Number(length) > largestPut) {
    throw new AwsError(400, 'EntityTooLarge', `one request writes at most ${largestPut} bytes`);
  }
  return Number(length);
}

/** The algorithm of the one checksum that is in a header or announced as a trailer. */
function checksumAlgorithm(headers: S3Request['headers']): ChecksumAlgorithm | undefined {
  const announced = (headers['x-amz-trailer'] ?? '').toLowerCase().split(',');
  const names = [...Object.keys(headers), ...announced.map((name) => name.trim())]
    .map((name) => /^x-amz-checksum-(?!type$|algorithm$|mode$)(.+)$/.exec(name)?.[1])
    .filter((name) => name !== undefined);
  const [name, second] = new Set(names);
  if (second !== undefined) throw new AwsError(400, 'InvalidRequest', 'Expecting a single x-amz-checksum- header');
  if (name === undefined || isChecksumAlgorithm(name)) return name;
  throw new AwsError(501, 'NotImplemented', `x-amz-checksum-${name} is not supported by this stand-in`);
}

function checkMd5(expected: string | undefined, actual: Buffer): void {
  if (expected === undefined) return;
  const bytes = Buffer.from(expected, 'base64');
  if (bytes.length !== 16) throw new AwsError(400, 'InvalidDigest', 'The Content-MD5 you specified is not valid.');
  if (!bytes.equals(actual)) {
    throw new AwsError(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
}

function checkChecksum(
  algorithm: ChecksumAlgorithm,
  headers: S3Request['headers'],
  trailers: ReadonlyMap<string, string>,
  { checksum }: BodyDigest,
): void {
  const header = `x-amz-checksum-${algorithm}`;
  const expected = headers[header] ?? trailers.get(header);
  if (expected === undefined) {
    throw new AwsError(400, 'MalformedTrailerError', `the trailer ${header} was announced and did not come`);
  }
  if (expected === checksum?.value) return;
  const name = algorithm.toUpperCase();
  throw new AwsError(400, 'BadDigest', `The ${name} you specified did not match the calculated checksum.`);
}
