import { randomBytes } from 'node:crypto';
import type { S3EventRecord } from 'aws-lambda';

interface ObjectEvent {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
  readonly sequencer: string;
  /** Absent: the object was removed. */
  readonly created?: { readonly size: number; readonly etag: string };
}

/** One record of an S3 event notification, event structure 2.1, as it comes in the `Records` of a message. */
export function createEventRecord(eventName: string, event: ObjectEvent): S3EventRecord {
  const { bucket, key, versionId, sequencer, created } = event;
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: 'us-east-1',
    eventTime: new Date().toISOString(),
    eventName,
    userIdentity: { principalId: 'LOCAL' },
    requestParameters: { sourceIPAddress: '127.0.0.1' },
    responseElements: {
      'x-amz-request-id': randomBytes(8).toString('hex').toUpperCase(),
      'x-amz-id-2': randomBytes(48).toString('base64'),
    },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: 'local',
      bucket: { name: bucket, ownerIdentity: { principalId: 'LOCAL' }, arn: `arn:aws:s3:::${bucket}` },
      object: {
        key: encodeKey(key),
        // Removals carry neither size nor eTag; the type knows creations only.
        ...(created && { size: created.size, eTag: created.etag }),
        versionId,
        sequencer,
      } as S3EventRecord['s3']['object'],
    },
  };
}

/** As S3 writes keys in events and in listings with `encoding-type=url`: percent-encoded, `+` for a space, `/` as it is. */
export function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replace(/%20/g, '+')
    .replace(/%2F/g, '/')
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
