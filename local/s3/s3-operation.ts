import type { S3Request } from './s3-request.ts';

/** How each supported operation is recognised: method, level, and the query parameters that it must and may have. */
interface Form {
  readonly method: string;
  readonly level: 'service' | 'bucket' | 'object';
  readonly required?: readonly string[];
  readonly allowed?: readonly string[];
  readonly copySource?: boolean;
}

const responseOverrides = ['type', 'language', 'disposition', 'encoding'].map((name) => `response-content-${name}`);
const getParameters = [...responseOverrides, 'response-cache-control', 'response-expires', 'versionId'];
const listParameters = ['prefix', 'delimiter', 'start-after', 'continuation-token', 'max-keys', 'encoding-type'];

const forms = {
  ListBuckets: { method: 'GET', level: 'service' },
  CreateBucket: { method: 'PUT', level: 'bucket' },
  HeadBucket: { method: 'HEAD', level: 'bucket' },
  ListObjectsV2: { method: 'GET', level: 'bucket', required: ['list-type'], allowed: listParameters },
  ListMultipartUploads: {
    method: 'GET',
    level: 'bucket',
    required: ['uploads'],
    allowed: ['prefix', 'key-marker', 'upload-id-marker', 'max-uploads', 'encoding-type'],
  },
  DeleteObjects: { method: 'POST', level: 'bucket', required: ['delete'] },
  PutObject: { method: 'PUT', level: 'object' },
  CopyObject: { method: 'PUT', level: 'object', copySource: true },
  UploadPart: { method: 'PUT', level: 'object', required: ['partNumber', 'uploadId'] },
  GetObject: { method: 'GET', level: 'object', allowed: getParameters },
  HeadObject: { method: 'HEAD', level: 'object', allowed: getParameters },
  DeleteObject: { method: 'DELETE', level: 'object' },
  CreateMultipartUpload: { method: 'POST', level: 'object', required: ['uploads'] },
  CompleteMultipartUpload: { method: 'POST', level: 'object', required: ['uploadId'] },
  AbortMultipartUpload: { method: 'DELETE', level: 'object', required: ['uploadId'] },
  ListParts: {
    method: 'GET',
    level: 'object',
    required: ['uploadId'],
    allowed: ['max-parts', 'part-number-marker'],
  },
} as const satisfies Record<string, Form>;

export type S3Operation = keyof typeof forms;

/** The supported operation that a request asks for; undefined: none, see unsupportedName. */
export function findOperation(request: S3Request): S3Operation | undefined {
  const names = Object.keys(forms) as S3Operation[];
  return names.find((name) => fits(forms[name], request));
}

function fits(form: Form, request: S3Request): boolean {
  const { required = [], allowed = [], copySource = false } = form;
  if (form.method !== request.method || form.level !== levelOf(request)) return false;
  if (copySource !== 'x-amz-copy-source' in request.headers) return false;
  const names = parameterNames(request);
  return (
    required.every((name) => names.includes(name)) && names.every((name) => [...required, ...allowed].includes(name))
  );
}

function levelOf({ bucket, key }: S3Request): Form['level'] {
  if (bucket === '') return 'service';
  return key === '' ? 'bucket' : 'object';
}

/** Query parameters that choose an operation, not those of signatures. */
function parameterNames({ query }: S3Request): string[] {
  return [...query.keys()].filter((name) => !/^(x-amz-.*|x-id|AWSAccessKeyId|Signature|Expires)$/i.test(name));
}

const irregular: Readonly<Record<string, string>> = {
  'GET bucket': 'ListObjects',
  'GET bucket versions': 'ListObjectVersions',
  'GET object partNumber': 'GetObject of one part',
  'DELETE object versionId': 'DeleteObject of one version',
  'POST object restore': 'RestoreObject',
  'POST object select': 'SelectObjectContent',
  'PUT object renameObject': 'RenameObject',
  'POST bucket': 'PostObject',
  'DELETE bucket': 'DeleteBucket',
};

/** AWS's name of an operation that is not supported, such as GetObjectAcl, as far as the request tells it. */
export function unsupportedName(request: S3Request): string {
  const level = levelOf(request);
  const names = parameterNames(request);
  if (names.includes('uploadId') && 'x-amz-copy-source' in request.headers) return 'UploadPartCopy';
  const known = irregular[[request.method, level, ...names.slice(0, 1)].join(' ')];
  if (known !== undefined) return known;
  const verb = request.method.charAt(0) + request.method.slice(1).toLowerCase();
  const subject = names.map((name) => name.split('-').map(capitalize).join('')).join('With');
  return `${verb}${capitalize(level)}${subject}`;
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

const harmlessHeaders =
  /^x-amz-(date|content-sha256|security-token|user-agent|meta-.+|checksum-.+|sdk-checksum-algorithm|trailer|decoded-content-length|copy-source(-if-.+)?|metadata-directive|mp-object-size|id-2|request-id)$/;
const harmlessValues: Readonly<Record<string, string>> = {
  'x-amz-acl': 'private',
  'x-amz-storage-class': 'STANDARD',
  'x-amz-server-side-encryption': 'AES256',
  'x-amz-tagging-directive': 'COPY',
};

/** A header that would change what the operation does and that is not supported; undefined: there is none. */
export function unsupportedHeader({ headers }: S3Request): string | undefined {
  return Object.keys(headers).find(
    (name) => name.startsWith('x-amz-') && !harmlessHeaders.test(name) && harmlessValues[name] !== headers[name],
  );
}
