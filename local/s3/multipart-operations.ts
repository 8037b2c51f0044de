import { createHash } from 'node:crypto';
import { AwsError, notImplemented } from '../aws-error.ts';
import { type ChecksumAlgorithm, createChecksum, isChecksumAlgorithm } from './checksums.ts';
import { keyEncoder, readCount } from './list-operations.ts';
import type { StoredObject } from './object-store.ts';
import { writePrecondition } from './preconditions.ts';
import { digestBody, receiveBody, receiveText } from './receive-body.ts';
import type { ObjectRecord } from './record-file.ts';
import { checksumElements, checksumHeaders, emitCreated, type S3Handler, versionHeaders } from './s3-context.ts';
import type { S3Request } from './s3-request.ts';
import { compareKeys } from './sorted-keys.ts';
import type { Upload } from './upload-store.ts';
import { storedHeaders } from './write-operations.ts';
import { childText, malformedXml, parseXml, sendXml, type XmlElement } from './xml.ts';

const smallestPart = 5 * 1024 ** 2;

export const createMultipartUpload: S3Handler = async ({ objects, uploads }, request, response) => {
  objects.bucket(request.bucket);
  const checksum = readChecksumChoice(request);
  const { bucket, key } = request;
  const upload = uploads.create({ bucket, key, headers: storedHeaders(request), ...(checksum && { checksum }) });
  const headers: Record<string, string> = checksum
    ? { 'x-amz-checksum-algorithm': checksum.algorithm.toUpperCase(), 'x-amz-checksum-type': checksum.type }
    : {};
  sendXml(response, 'InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: upload.id }, { headers });
};

function readChecksumChoice({ headers }: S3Request): Upload['checksum'] {
  const algorithm = headers['x-amz-checksum-algorithm']?.toLowerCase();
  if (algorithm === undefined) return undefined;
  if (!isChecksumAlgorithm(algorithm)) throw notImplemented(`x-amz-checksum-algorithm: ${algorithm}`);
  const type = headers['x-amz-checksum-type'] ?? (algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE');
  const allowed = {
    crc64nvme: ['FULL_OBJECT'],
    crc32: ['FULL_OBJECT', 'COMPOSITE'],
    crc32c: ['FULL_OBJECT', 'COMPOSITE'],
  };
  const types: string[] = allowed[algorithm as keyof typeof allowed] ?? ['COMPOSITE'];
  if (types.includes(type)) return { algorithm, type: type === 'FULL_OBJECT' ? type : 'COMPOSITE' };
  throw new AwsError(400, 'InvalidRequest', `the checksum type of ${algorithm} is ${types.join(' or ')}, not ${type}`);
}

export const uploadPart: S3Handler = async ({ uploads }, request, response) => {
  const upload = findUpload(uploads, request);
  const number = Number(request.query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > 10_000) {
    throw new AwsError(400, 'InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive');
  }
  const part = await uploads.writePart(upload, number, async (write) => {
    const { size, md5, checksum } = await receiveBody(request, write);
    return { size, etag: md5.toString('hex'), ...(checksum && { checksum }) };
  });
  const { 'x-amz-checksum-type': _, ...checksums } = checksumHeaders(part);
  response.writeHead(200, { etag: `"${part.etag}"`, ...checksums, 'content-length': 0 }).end();
};

function findUpload(uploads: Parameters<S3Handler>[0]['uploads'], { bucket, key, query }: S3Request): Upload {
  return uploads.find(bucket, key, query.get('uploadId') ?? '');
}

export const completeMultipartUpload: S3Handler = async (context, request, response) => {
  const text = await receiveText(request, 8 * 1024 ** 2);
  const { bucket, key, query } = request;
  const earlier = context.uploads.completed.get(query.get('uploadId') ?? '');
  const object = earlier?.key === key ? earlier : await complete(context, request, parseXml(text));
  const { etag, ...headers } = versionHeaders(object);
  const result = { Location: `/${bucket}/${key}`, Bucket: bucket, Key: key, ETag: etag, ...checksumElements(object) };
  sendXml(response, 'CompleteMultipartUploadResult', result, { headers });
};

async function complete(
  context: Parameters<S3Handler>[0],
  request: S3Request,
  root: XmlElement,
): Promise<StoredObject> {
  const upload = findUpload(context.uploads, request);
  const precondition = writePrecondition(request);
  const numbers = checkParts(upload, root);
  const parts = numbers.map((number) => upload.parts.get(number)!);
  const choice = upload.checksum;
  const algorithm = choice && isChecksumAlgorithm(choice.algorithm) ? choice.algorithm : undefined;
  const object = await context.objects.write(
    request.bucket,
    async (write) => {
      const whole = await digestBody(context.uploads.readParts(upload, numbers), {
        write,
        ...(choice?.type === 'FULL_OBJECT' && algorithm && { algorithm }),
      });
      const checksum = whole.checksum ?? (algorithm && compositeChecksum(algorithm, parts));
      checkWhole(request, whole.size, checksum);
      const { key, headers } = upload;
      return { key, size: whole.size, etag: multipartTag(parts), headers, ...(checksum && { checksum }) };
    },
    (existing) => {
      findUpload(context.uploads, request);
      precondition(existing);
    },
  );
  await emitCreated(context, 'CompleteMultipartUpload', request.bucket, object);
  context.uploads.completed.set(upload.id, object);
  context.uploads.remove(upload);
  return object;
}

/** The part numbers in the order of the list. Throws MalformedXML, InvalidPartOrder, InvalidPart, EntityTooSmall. */
function checkParts(upload: Upload, root: XmlElement): number[] {
  const listed = root.children.filter(({ name }) => name === 'Part');
  if (root.name !== 'CompleteMultipartUpload' || listed.length === 0) throw malformedXml('(at least one Part)');
  const numbers = listed.map((part) => Number(childText(part, 'PartNumber')));
  if (numbers.some((number, index) => index > 0 && !(number > numbers[index - 1]!))) {
    throw new AwsError(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.');
  }
  listed.forEach((element, index) => {
    const number = numbers[index]!;
    const part = upload.parts.get(number);
    if (!part || !agrees(element, part)) {
      throw new AwsError(400, 'InvalidPart', `part ${number} was not uploaded, or its ETag or checksum is another`);
    }
    if (index < numbers.length - 1 && part.size < smallestPart) {
      const fields = { PartNumber: number, ProposedSize: part.size, MinSizeAllowed: smallestPart };
      throw new AwsError(400, 'EntityTooSmall', 'all parts but the last have at least 5 MiB', fields);
    }
  });
  return numbers;
}

function agrees(element: XmlElement, part: ObjectRecord): boolean {
  const checksum = part.checksum && childText(element, `Checksum${part.checksum.algorithm.toUpperCase()}`);
  if (checksum !== undefined && checksum !== part.checksum?.value) return false;
  return childText(element, 'ETag')?.replaceAll('"', '') === part.etag;
}

/** MD5 of the parts' MD5s and their number, as S3 tags objects of several parts. */
function multipartTag(parts: readonly ObjectRecord[]): string {
  const md5s = Buffer.concat(parts.map(({ etag }) => Buffer.from(etag, 'hex')));
  return `${createHash('md5').update(md5s).digest('hex')}-${parts.length}`;
}

function compositeChecksum(algorithm: ChecksumAlgorithm, parts: readonly ObjectRecord[]): ObjectRecord['checksum'] {
  const values = parts.map(({ checksum }) => (checksum?.algorithm === algorithm ? checksum.value : undefined));
  if (values.includes(undefined)) {
    throw new AwsError(
      400,
      'InvalidRequest',
      `the upload was created with ${algorithm}: each part needs that checksum`,
    );
  }
  const state = createChecksum(algorithm);
  for (const value of values) state.update(Buffer.from(value!, 'base64'));
  return { algorithm, value: `${state.digest().toString('base64')}-${parts.length}`, type: 'COMPOSITE' };
}

function checkWhole({ headers }: S3Request, size: number, checksum: ObjectRecord['checksum']): void {
  const expectedSize = headers['x-amz-mp-object-size'];
  if (expectedSize !== undefined && Number(expectedSize) !== size) {
    throw new AwsError(
      400,
      'InvalidRequest',
      `the parts have ${size} bytes, x-amz-mp-object-size says ${expectedSize}`,
    );
  }
  const expected = checksum && headers[`x-amz-checksum-${checksum.algorithm}`];
  if (expected === undefined || [checksum?.value, checksum?.value.split('-')[0]].includes(expected)) return;
  throw new AwsError(400, 'BadDigest', 'The checksum you specified did not match the calculated checksum.');
}

export const abortMultipartUpload: S3Handler = async ({ uploads }, request, response) => {
  uploads.remove(findUpload(uploads, request));
  response.writeHead(204).end();
};

export const listParts: S3Handler = async ({ uploads }, request, response) => {
  const upload = findUpload(uploads, request);
  const marker = readCount(request.query.get('part-number-marker') ?? '0', 'part-number-marker');
  const maxParts = readCount(request.query.get('max-parts'), 'max-parts');
  const rest = [...upload.parts].filter(([number]) => number > marker).sort(([a], [b]) => a - b);
  const page = rest.slice(0, maxParts);
  sendXml(response, 'ListPartsResult', {
    Bucket: upload.bucket,
    Key: upload.key,
    UploadId: upload.id,
    StorageClass: 'STANDARD',
    PartNumberMarker: marker,
    NextPartNumberMarker: page.at(-1)?.[0] ?? 0,
    MaxParts: maxParts,
    IsTruncated: page.length < rest.length,
    ChecksumAlgorithm: upload.checksum?.algorithm.toUpperCase(),
    ChecksumType: upload.checksum?.type,
    Part: page.map(([number, part]) => {
      const { ChecksumType: _, ...checksums } = checksumElements(part);
      return {
        PartNumber: number,
        LastModified: part.lastModified,
        ETag: `"${part.etag}"`,
        Size: part.size,
        ...checksums,
      };
    }),
  });
};

export const listMultipartUploads: S3Handler = async ({ objects, uploads }, { bucket, query }, response) => {
  objects.bucket(bucket);
  const encode = keyEncoder(query.get('encoding-type'));
  const prefix = query.get('prefix') ?? '';
  const after = { key: query.get('key-marker') ?? '', id: query.get('upload-id-marker') };
  const maxUploads = readCount(query.get('max-uploads'), 'max-uploads');
  const rest = uploads
    .list(bucket)
    .filter((upload) => upload.key.startsWith(prefix) && compareUploads(upload, after) > 0)
    .sort(compareUploads);
  const page = rest.slice(0, maxUploads);
  const last = page.at(-1);
  sendXml(response, 'ListMultipartUploadsResult', {
    Bucket: bucket,
    KeyMarker: encode(after.key),
    UploadIdMarker: after.id ?? '',
    NextKeyMarker: last && encode(last.key),
    NextUploadIdMarker: last?.id,
    Prefix: encode(prefix),
    EncodingType: query.get('encoding-type'),
    MaxUploads: maxUploads,
    IsTruncated: page.length < rest.length,
    Upload: page.map(({ key, id, initiated }) => ({
      Key: encode(key),
      UploadId: id,
      StorageClass: 'STANDARD',
      Initiated: initiated,
    })),
  });
};

/** By key, then by id; a marker without an id stands after all uploads of its key. */
function compareUploads(
  a: { key: string; id?: string | undefined },
  b: { key: string; id?: string | undefined },
): number {
  return compareKeys(a.key, b.key) || (b.id === undefined ? -1 : compareKeys(a.id ?? '', b.id));
}
