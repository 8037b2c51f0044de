import type { IncomingMessage } from 'node:http';

/** The whole body. Undefined: it exceeds `limit` bytes; the rest has been read and dropped, so that the caller sees the answer. */
export function collectBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    // Not `for await`: it would stop the socket whenever a chunk waits.
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limit) chunks.push(chunk);
      else chunks.length = 0;
    });
    request.on('end', () => resolve(bytes > limit ? undefined : join(chunks, bytes)));
    request.on('error', reject);
  });
}

function join(chunks: readonly Buffer[], bytes: number): Buffer {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes);
}
