import type { IncomingMessage } from 'node:http';
import { AwsError } from '../aws-error.ts';

/** A request in path style: `/bucket/key?query`. */
export interface S3Request {
  readonly method: string;
  /** Empty: the service itself. */
  readonly bucket: string;
  /** Empty: the bucket itself. Decoded, otherwise exactly as sent: `..` and `//` mean themselves. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  /** By lower-case name; a presigned URL may carry `x-amz-*` headers in its query instead. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: IncomingMessage;
}

/** Throws InvalidURI, KeyTooLongError. */
export function parseS3Request(request: IncomingMessage): S3Request {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const path = (mark < 0 ? url : url.slice(0, mark)).replace(/^\//, '');
  const query = new Map(new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)));
  const slash = path.indexOf('/');
  const bucket = decodePath(slash < 0 ? path : path.slice(0, slash));
  const key = decodePath(slash < 0 ? '' : path.slice(slash + 1));
  if (Buffer.byteLength(key) > 1024) throw new AwsError(400, 'KeyTooLongError', 'a key has at most 1024 bytes');
  return { method: request.method ?? 'GET', bucket, key, query, headers: readHeaders(request, query), body: request };
}

export function decodePath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AwsError(400, 'InvalidURI', 'the path is not percent-encoded UTF-8');
  }
}

function readHeaders(request: IncomingMessage, query: ReadonlyMap<string, string>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of query) if (/^x-amz-/.test(name)) headers[name] = value;
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

/** A presigned URL holds until its time: `X-Amz-Date` + `X-Amz-Expires` (version 4) or `Expires` (version 2, boto3). */
export function checkExpiry({ query }: S3Request, now: number): void {
  const signedAt = query.get('X-Amz-Date');
  const seconds = query.get('X-Amz-Expires');
  if (query.has('X-Amz-Signature')) {
    const start = Date.parse(
      (signedAt ?? '').replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
    );
    const lifetime = Number(seconds);
    if (Number.isNaN(start) || !(lifetime >= 0 && lifetime <= 604_800) || !seconds) {
      throw new AwsError(
        400,
        'AuthorizationQueryParametersError',
        'X-Amz-Date and X-Amz-Expires (0 to 604800) are needed',
      );
    }
    if (now > start + lifetime * 1000) throw new AwsError(403, 'AccessDenied', 'Request has expired');
  } else if (query.has('Signature') && !(now <= Number(query.get('Expires')) * 1000)) {
    throw new AwsError(403, 'AccessDenied', 'Request has expired');
  }
}
