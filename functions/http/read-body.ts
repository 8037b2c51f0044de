import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { ServiceError } from '../errors.ts';

const decoders = { gzip: promisify(gunzip), deflate: promisify(inflate) };

/**
 * The request's body as bytes, decompressed (RFC 9110, section 8.4: gzip, deflate).
 * Throws payload_too_large where more than `maxBytes` come out, unsupported_media_type for another coding, and
 * invalid_request where the bytes are not what the header says.
 */
export async function readBody(
  event: APIGatewayProxyEvent,
  headers: Record<string, string>,
  maxBytes: number,
): Promise<Buffer> {
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  // x-gzip is gzip's old name (section 8.4.1.3).
  const coding =
    headers['content-encoding']
      ?.trim()
      .toLowerCase()
      .replace(/^x-gzip$/, 'gzip') ?? 'identity';
  if (coding === 'identity' || coding === '') return body.length <= maxBytes ? body : tooLarge(maxBytes);
  if (coding !== 'gzip' && coding !== 'deflate') {
    throw new ServiceError(
      'unsupported_media_type',
      `content-encoding '${coding.slice(0, 100)}' is not one of gzip, deflate, identity`,
    );
  }
  try {
    return await decoders[coding](body, { maxOutputLength: maxBytes });
  } catch (cause) {
    if (cause instanceof RangeError) return tooLarge(maxBytes);
    throw new ServiceError('invalid_request', `the body is not valid ${coding}, as its content-encoding says`, {
      cause,
    });
  }
}

function tooLarge(maxBytes: number): never {
  throw new ServiceError('payload_too_large', `the body is larger than the ${maxBytes} bytes that this route takes`);
}
