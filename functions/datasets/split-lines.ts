import { ServiceError } from '../errors.ts';

const newline = 0x0a;

/** Most bytes of a line that is held whole. */
export const maxLineBytes = 16 * 2 ** 20;

/** A line without its end, and where it begins among the bytes given. */
export interface TextLine {
  readonly bytes: Buffer;
  readonly start: number;
}

/** The lines of bytes that come in chunks, empty ones too. Throws payload_too_large for a line of more than 16 MiB. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TextLine> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let position = 0;
  for await (const chunk of chunks) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    for (let end = buffer.indexOf(newline); end >= 0; end = buffer.indexOf(newline, at)) {
      const part = buffer.subarray(at, end);
      const bytes = pendingBytes > 0 ? Buffer.concat([...pending, part]) : part;
      yield { bytes, start: position + at - pendingBytes };
      pending = [];
      pendingBytes = 0;
      at = end + 1;
    }
    if (at < buffer.length) {
      pending.push(buffer.subarray(at));
      pendingBytes += buffer.length - at;
    }
    position += buffer.length;
    if (pendingBytes > maxLineBytes) {
      throw new ServiceError('payload_too_large', `a line has more than the ${maxLineBytes} bytes that are allowed`);
    }
  }
  if (pendingBytes > 0) yield { bytes: Buffer.concat(pending), start: position - pendingBytes };
}
