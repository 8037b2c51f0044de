import { createReadStream } from 'node:fs';
import { AwsError, notImplemented } from '../aws-error.ts';
import { isChecksumAlgorithm } from './checksums.ts';
import { createEventRecord } from './event-record.ts';
import { createVersionId, type Precondition } from './object-store.ts';
import { checkReadConditions, preconditionFailed, writePrecondition } from './preconditions.ts';
import { checkVersion } from './read-operations.ts';
import { digestBody, receiveBody, receiveText } from './receive-body.ts';
import {
  checksumElements,
  checksumHeaders,
  emitCreated,
  type S3Context,
  type S3Handler,
  versionHeaders,
} from './s3-context.ts';
import { decodePath, type S3Request } from './s3-request.ts';
import { childText, malformedXml, parseXml, sendXml, type XmlElement } from './xml.ts';

export const putObject: S3Handler = async (context, request, response) => {
  const precondition = writePrecondition(request);
  const headers = storedHeaders(request);
  const object = await context.objects.write(
    request.bucket,
    async (write) => {
      const { size, md5, checksum } = await receiveBody(request, write);
      return { key: request.key, size, etag: md5.toString('hex'), headers, ...(checksum && { checksum }) };
    },
    precondition,
  );
  await emitCreated(context, 'Put', request.bucket, object);
  response.writeHead(200, { ...versionHeaders(object), ...checksumHeaders(object), 'content-length': 0 }).end();
};

export const copyObject: S3Handler = async (context, request, response) => {
  const source = readCopySource(request);
  const replace = request.headers['x-amz-metadata-directive'] === 'REPLACE';
  if (!replace && source.bucket === request.bucket && source.key === request.key) {
    throw new AwsError(400, 'InvalidRequest', 'a copy of an object onto itself must replace its metadata');
  }
  const precondition = writePrecondition(request);
  const { object: original, file } = context.objects.open(source.bucket, source.key);
  const { size, headers } = original;
  const stream = createReadStream('', { fd: file, start: 0, end: Math.max(0, size - 1) });
  try {
    checkVersion(source, original);
    if (checkReadConditions(request, original, 'x-amz-copy-source-')) throw preconditionFailed('If-None-Match');
    const algorithm = original.checksum?.algorithm;
    const object = await context.objects.write(
      request.bucket,
      async (write) => {
        const { md5, checksum } = await digestBody(size === 0 ? emptyBody() : stream, {
          write,
          ...(algorithm !== undefined && isChecksumAlgorithm(algorithm) && { algorithm }),
        });
        const kept = { headers: replace ? storedHeaders(request) : headers, ...(checksum && { checksum }) };
        return { key: request.key, size, etag: md5.toString('hex'), ...kept };
      },
      precondition,
    );
    await emitCreated(context, 'Copy', request.bucket, object);
    const { etag, ...versions } = versionHeaders(object);
    sendXml(
      response,
      'CopyObjectResult',
      { LastModified: object.lastModified, ETag: etag, ...checksumElements(object) },
      { headers: { ...versions, 'x-amz-copy-source-version-id': original.versionId } },
    );
  } finally {
    stream.destroy();
  }
};

async function* emptyBody(): AsyncGenerator<Buffer> {}

export const deleteObject: S3Handler = async (context, request, response) => {
  const match = writePrecondition(request);
  const versionId = await remove(context, request, (existing) => existing && match(existing));
  response.writeHead(204, { 'x-amz-delete-marker': 'true', 'x-amz-version-id': versionId }).end();
};

export const deleteObjects: S3Handler = async (context, request, response) => {
  context.objects.bucket(request.bucket);
  if (!Object.keys(request.headers).some((name) => /^(content-md5|x-amz-trailer|x-amz-checksum-.+)$/.test(name))) {
    throw new AwsError(400, 'InvalidRequest', 'Missing required header for this request: Content-MD5 or a checksum');
  }
  const root = parseXml(await receiveText(request, 8 * 1024 ** 2));
  const entries = root.children.filter(({ name }) => name === 'Object');
  if (root.name !== 'Delete' || entries.length === 0 || entries.length > 1000)
    throw malformedXml('(1 to 1000 objects)');
  const keys = entries.map(readDeletion);
  const deleted: Record<string, string>[] = [];
  for (const key of keys) {
    const versionId = await remove(context, { bucket: request.bucket, key }, () => {});
    deleted.push({ Key: key, DeleteMarker: 'true', DeleteMarkerVersionId: versionId });
  }
  sendXml(response, 'DeleteResult', childText(root, 'Quiet') === 'true' ? {} : { Deleted: deleted });
};

function readDeletion(entry: XmlElement): string {
  const other = entry.children.find(({ name }) => name !== 'Key');
  if (other) throw notImplemented(`DeleteObjects with ${other.name}`);
  const key = childText(entry, 'Key');
  if (!key) throw malformedXml('(an object without a Key)');
  return key;
}

/** The version id of the delete marker: buckets behave as versioned ones, whose old versions cannot be read. */
async function remove(
  context: S3Context,
  { bucket, key }: Pick<S3Request, 'bucket' | 'key'>,
  precondition: Precondition,
): Promise<string> {
  const sequencer = context.objects.remove(bucket, key, precondition);
  const versionId = createVersionId();
  await context.emit(createEventRecord('ObjectRemoved:DeleteMarkerCreated', { bucket, key, versionId, sequencer }));
  return versionId;
}

/** `x-amz-copy-source`: `[/]bucket/key[?versionId=…]`, percent-encoded. */
function readCopySource(request: S3Request): S3Request {
  const [path = '', version] = (request.headers['x-amz-copy-source'] ?? '').replace(/^\//, '').split('?versionId=');
  const slash = path.indexOf('/');
  if (slash < 1 || slash === path.length - 1) {
    throw new AwsError(400, 'InvalidArgument', 'x-amz-copy-source is not <bucket>/<key>');
  }
  const query = new Map(version === undefined ? [] : [['versionId', version]]);
  return { ...request, bucket: path.slice(0, slash), key: decodePath(path.slice(slash + 1)), query };
}

const plainHeaders = ['content-disposition', 'content-language', 'cache-control', 'expires'];

/** The headers of a write that reads give back. */
export function storedHeaders({ headers }: S3Request): Record<string, string> {
  const stored: Record<string, string> = { 'content-type': headers['content-type'] || 'binary/octet-stream' };
  const encodings = (headers['content-encoding'] ?? '').split(',').map((name) => name.trim());
  const encoding = encodings.filter((name) => name !== '' && name !== 'aws-chunked').join(',');
  if (encoding) stored['content-encoding'] = encoding;
  let metadataBytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('x-amz-meta-')) metadataBytes += name.length - 'x-amz-meta-'.length + Buffer.byteLength(value);
    else if (!plainHeaders.includes(name)) continue;
    stored[name] = value;
  }
  if (metadataBytes > 2048) throw new AwsError(400, 'MetadataTooLarge', 'user metadata has at most 2048 bytes');
  return stored;
}
