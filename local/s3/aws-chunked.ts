import { AwsError } from '../aws-error.ts';

const longestLine = 8192;

/**
 * Decodes the body of `Content-Encoding: aws-chunked`: chunks of `<size in hex>[;chunk-signature=…]\r\n<bytes>\r\n`, one of
 * size 0, then trailing headers, which are put into `trailers` by lower-case name.
 * Source: Amazon S3 API reference, "Signature calculations for trailing headers".
 */
export async function* decodeAwsChunked(
  source: AsyncIterable<Buffer>,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    yield* decode(createByteReader(iterator), trailers);
  } finally {
    await iterator.return?.();
  }
}

async function* decode(
  input: ReturnType<typeof createByteReader>,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer> {
  for (;;) {
    const size = parseChunkSize(await input.line());
    if (size === 0) break;
    yield* input.bytes(size);
    if ((await input.line()) !== '') throw incompleteBody('a chunk is longer than its size');
  }
  for (let line = await input.line(); line !== ''; line = await input.line()) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new AwsError(400, 'MalformedTrailerError', 'a trailing header has no colon');
    trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}

function createByteReader(iterator: AsyncIterator<Buffer>) {
  let buffer: Buffer = Buffer.alloc(0);
  const readMore = async () => {
    const next = await iterator.next();
    if (next.done) throw incompleteBody('the body ends before its last chunk');
    buffer = buffer.length === 0 ? next.value : Buffer.concat([buffer, next.value]);
  };
  return {
    async line(): Promise<string> {
      let end = buffer.indexOf('\n');
      while (end < 0) {
        if (buffer.length > longestLine) throw incompleteBody('a line between chunks does not end');
        await readMore();
        end = buffer.indexOf('\n');
      }
      const line = buffer.toString('latin1', 0, end).trimEnd();
      buffer = buffer.subarray(end + 1);
      return line;
    },
    async *bytes(count: number): AsyncGenerator<Buffer> {
      for (let left = count; left > 0; ) {
        if (buffer.length === 0) await readMore();
        const part = buffer.subarray(0, left);
        buffer = buffer.subarray(part.length);
        left -= part.length;
        yield part;
      }
    },
  };
}

function parseChunkSize(line: string): number {
  const match = /^([\da-f]{1,8})(;.*)?$/i.exec(line);
  if (!match) throw incompleteBody('a chunk has no size');
  return Number.parseInt(match[1]!, 16);
}

function incompleteBody(what: string): AwsError {
  return new AwsError(400, 'IncompleteBody', `aws-chunked: ${what}`);
}
