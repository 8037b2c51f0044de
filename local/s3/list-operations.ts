import { AwsError, notImplemented } from '../aws-error.ts';
import { encodeKey } from './event-record.ts';
import type { StoredObject } from './object-store.ts';
import type { S3Handler } from './s3-context.ts';
import { compareKeys, type SortedKeys } from './sorted-keys.ts';
import { sendXml } from './xml.ts';

export const listBuckets: S3Handler = async ({ objects }, _request, response) => {
  const buckets = objects.buckets().sort((a, b) => compareKeys(a.name, b.name));
  const Bucket = buckets.map(({ name, createdAt }) => ({ Name: name, CreationDate: createdAt.toISOString() }));
  sendXml(response, 'ListAllMyBucketsResult', { Owner: { ID: 'LOCAL' }, Buckets: { Bucket } });
};

export const createBucket: S3Handler = async ({ objects }, { bucket }, response) => {
  if (!objects.createBucket(bucket)) {
    throw new AwsError(409, 'BucketAlreadyOwnedByYou', `${bucket} exists`, { BucketName: bucket });
  }
  response.writeHead(200, { location: `/${bucket}`, 'content-length': 0 }).end();
};

export const headBucket: S3Handler = async ({ objects }, { bucket }, response) => {
  objects.bucket(bucket);
  response.writeHead(200, { 'x-amz-bucket-region': 'us-east-1' }).end();
};

export const listObjectsV2: S3Handler = async ({ objects }, { bucket: name, query }, response) => {
  if (query.get('list-type') !== '2') throw notImplemented('ListObjects');
  const bucket = objects.bucket(name);
  const token = query.get('continuation-token');
  const encode = keyEncoder(query.get('encoding-type'));
  const maxKeys = readCount(query.get('max-keys'), 'max-keys');
  const page = listPage(bucket.keys, {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    after: token === undefined ? { name: query.get('start-after') ?? '', isPrefix: false } : parseToken(token),
    maxKeys,
  });
  const last = page.items.at(-1);
  sendXml(response, 'ListBucketResult', {
    Name: name,
    Prefix: encode(query.get('prefix') ?? ''),
    StartAfter: query.has('start-after') ? encode(query.get('start-after')!) : undefined,
    Delimiter: query.get('delimiter') ? encode(query.get('delimiter')!) : undefined,
    MaxKeys: maxKeys,
    KeyCount: page.items.length,
    IsTruncated: page.isTruncated,
    EncodingType: query.get('encoding-type'),
    ContinuationToken: token,
    NextContinuationToken: page.isTruncated && last ? renderToken(last) : undefined,
    Contents: page.items
      .filter(({ isPrefix }) => !isPrefix)
      .map((item) => renderObject(bucket.objects.get(item.name)!, encode)),
    CommonPrefixes: page.items.filter(({ isPrefix }) => isPrefix).map((item) => ({ Prefix: encode(item.name) })),
  });
};

function renderObject(object: StoredObject, encode: (key: string) => string) {
  return {
    Key: encode(object.key),
    LastModified: object.lastModified,
    ETag: `"${object.etag}"`,
    ChecksumAlgorithm: object.checksum?.algorithm.toUpperCase(),
    ChecksumType: object.checksum?.type,
    Size: object.size,
    StorageClass: 'STANDARD',
  };
}

/** A key, or a common prefix that stands for all keys that begin with it. */
interface Item {
  readonly name: string;
  readonly isPrefix: boolean;
}

interface Page {
  readonly prefix: string;
  readonly delimiter: string;
  readonly after: Item;
  readonly maxKeys: number;
}

function listPage(keys: SortedKeys, page: Page): { items: Item[]; isTruncated: boolean } {
  const items: Item[] = [];
  if (page.maxKeys === 0) return { items, isTruncated: false };
  const start = (key: string) => isPast(key, page.after) || compareKeys(key, page.prefix) < 0;
  for (const key of keys.from(start)) {
    if (!key.startsWith(page.prefix)) break;
    const item = toItem(key, page);
    if (item.isPrefix && item.name === items.at(-1)?.name) continue;
    if (items.length === page.maxKeys) return { items, isTruncated: true };
    items.push(item);
  }
  return { items, isTruncated: false };
}

/** Was `key` listed by the page that ended with `after`? */
function isPast(key: string, after: Item): boolean {
  return compareKeys(key, after.name) <= 0 || (after.isPrefix && key.startsWith(after.name));
}

function toItem(key: string, { prefix, delimiter }: Page): Item {
  const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
  if (end < 0) return { name: key, isPrefix: false };
  return { name: key.slice(0, end + delimiter.length), isPrefix: true };
}

function renderToken({ name, isPrefix }: Item): string {
  return Buffer.from((isPrefix ? 'p' : 'k') + name).toString('base64url');
}

function parseToken(token: string): Item {
  const text = Buffer.from(token, 'base64url').toString();
  if (!/^[kp]/.test(text)) throw new AwsError(400, 'InvalidArgument', 'The continuation token provided is incorrect');
  return { name: text.slice(1), isPrefix: text.startsWith('p') };
}

export function keyEncoder(encodingType: string | undefined): (key: string) => string {
  if (encodingType === undefined) return (key) => key;
  if (encodingType === 'url') return encodeKey;
  throw new AwsError(400, 'InvalidArgument', `encoding-type is ${JSON.stringify(encodingType)}; allowed: "url"`);
}

/** Page sizes are 0 to 1000; more is taken as 1000. */
export function readCount(text: string | undefined, name: string): number {
  if (text === undefined || text === '') return 1000;
  if (/^\d{1,10}$/.test(text)) return Math.min(1000, Number(text));
  throw new AwsError(400, 'InvalidArgument', `${name} is ${JSON.stringify(text)}; it must be an integer from 0`);
}
