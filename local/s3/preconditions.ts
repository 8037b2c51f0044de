import { AwsError } from '../aws-error.ts';
import type { Precondition, StoredObject } from './object-store.ts';
import type { S3Request } from './s3-request.ts';

/** `If-None-Match: *` and `If-Match: <etag>` of a write; S3 knows no others. */
export function writePrecondition({ headers }: S3Request): Precondition {
  const match = headers['if-match'];
  const noneMatch = headers['if-none-match'];
  if (noneMatch !== undefined && noneMatch !== '*') {
    throw new AwsError(501, 'NotImplemented', 'If-None-Match of a write must be *');
  }
  return (existing) => {
    if (noneMatch !== undefined && existing) throw preconditionFailed('If-None-Match');
    if (match === undefined) return;
    if (!existing) throw new AwsError(404, 'NoSuchKey', 'The specified key does not exist.');
    if (!matchesTag(match, existing)) throw preconditionFailed('If-Match');
  };
}

/**
 * The conditions of a read, or with `prefix` `x-amz-copy-source-` those of a copy's source, in the order of RFC 9110
 * section 13.2.2. Throws PreconditionFailed; true: not modified.
 */
export function checkReadConditions({ headers }: S3Request, object: StoredObject, prefix = ''): boolean {
  const modified = Date.parse(object.lastModified);
  const match = headers[`${prefix}if-match`];
  const unmodifiedSince = Date.parse(headers[`${prefix}if-unmodified-since`] ?? '');
  if (match !== undefined) {
    if (!matchesTag(match, object)) throw preconditionFailed('If-Match');
  } else if (modified > unmodifiedSince) throw preconditionFailed('If-Unmodified-Since');
  const noneMatch = headers[`${prefix}if-none-match`];
  if (noneMatch !== undefined) return matchesTag(noneMatch, object);
  return modified <= Date.parse(headers[`${prefix}if-modified-since`] ?? '');
}

function matchesTag(header: string, { etag }: StoredObject): boolean {
  const tags = header.split(',').map((tag) => tag.trim().replace(/^(W\/)?"(.*)"$/, '$2'));
  return tags.includes('*') || tags.includes(etag);
}

export function preconditionFailed(condition: string): AwsError {
  const message = 'At least one of the pre-conditions you specified did not hold';
  return new AwsError(412, 'PreconditionFailed', message, { Condition: condition });
}
