import { closeSync, createReadStream } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { AwsError, notImplemented } from '../aws-error.ts';
import type { StoredObject } from './object-store.ts';
import { checkReadConditions } from './preconditions.ts';
import { checksumHeaders, type S3Handler, versionHeaders } from './s3-context.ts';
import type { S3Request } from './s3-request.ts';

/** Also HeadObject, which is the same without a body. */
export const getObject: S3Handler = async ({ objects }, request, response) => {
  const { object, file } = objects.open(request.bucket, request.key);
  let handedOver = false;
  try {
    checkVersion(request, object);
    if (checkReadConditions(request, object)) {
      response.writeHead(304, { ...versionHeaders(object), 'last-modified': httpDate(object) }).end();
      return;
    }
    const range = readRange(request, object);
    writeHead(request, response, object, range);
    const [start, end] = range ?? [0, object.size - 1];
    if (request.method === 'HEAD' || end < start) response.end();
    else {
      handedOver = true;
      await pipeline(createReadStream('', { fd: file, start, end, highWaterMark: 262_144 }), response);
    }
  } finally {
    if (!handedOver) closeSync(file);
  }
};

/** Replaced versions are not kept, so that only the current one can be asked for. */
export function checkVersion({ query }: S3Request, object: StoredObject): void {
  const versionId = query.get('versionId');
  if (versionId === undefined || versionId === object.versionId) return;
  throw notImplemented('reading a version that is not the current one');
}

function writeHead(
  request: S3Request,
  response: ServerResponse,
  object: StoredObject,
  range: readonly [number, number] | undefined,
): void {
  const wantsChecksum = request.headers['x-amz-checksum-mode']?.toUpperCase() === 'ENABLED';
  response.writeHead(range ? 206 : 200, {
    ...versionHeaders(object),
    // A checksum covers the whole object: clients would hold it against the part.
    ...(wantsChecksum && !range && checksumHeaders(object)),
    ...object.headers,
    ...responseOverrides(request),
    'accept-ranges': 'bytes',
    'last-modified': httpDate(object),
    'content-length': range ? range[1] - range[0] + 1 : object.size,
    ...(range && { 'content-range': `bytes ${range[0]}-${range[1]}/${object.size}` }),
  });
}

/** `response-content-type=…` and its kind in the query of a GET. */
function responseOverrides({ query }: S3Request): Record<string, string> {
  const overrides = [...query].filter(([name]) => name.startsWith('response-'));
  return Object.fromEntries(overrides.map(([name, value]) => [name.slice('response-'.length), value]));
}

/** First and last byte; undefined: the whole object, also where the header is malformed. Throws InvalidRange. */
function readRange({ headers }: S3Request, object: StoredObject): readonly [number, number] | undefined {
  const ifRange = headers['if-range'];
  if (ifRange !== undefined && ifRange !== `"${object.etag}"` && ifRange !== httpDate(object)) return undefined;
  const header = headers.range ?? '';
  if (/^bytes=.*,/.test(header)) throw notImplemented('GetObject of several ranges');
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header.trim()) ?? [];
  if (first === '' && last === '') return undefined;
  const lastByte = object.size - 1;
  const start = first === '' ? Math.max(0, object.size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? lastByte : Math.min(Number(last), lastByte);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (start <= lastByte) return [start, end];
  const fields = { RangeRequested: header, ActualObjectSize: object.size };
  throw new AwsError(416, 'InvalidRange', 'The requested range is not satisfiable', fields);
}

function httpDate({ lastModified }: StoredObject): string {
  return new Date(lastModified).toUTCString();
}
