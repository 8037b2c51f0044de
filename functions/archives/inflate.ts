import { Readable } from 'node:stream';
import { createGunzip, createInflateRaw, inflateRawSync } from 'node:zlib';

/** Thrown where more comes out of compressed bytes than may. */
export class TooLarge extends Error {}

/** Deflate cannot compress more than 1032 : 1; what is near it is a bomb, once it is no trifle. */
const maxRatio = 500;
const trustedBytes = 2 ** 20;

/** Throws TooLarge where `inflated` bytes out of `compressed` ones are what a decompression bomb has. */
export function checkRatio(compressed: number, inflated: number): void {
  if (inflated > trustedBytes && inflated > compressed * maxRatio) {
    throw new TooLarge(`${inflated} bytes come out of ${compressed}, as out of a decompression bomb`);
  }
}

/** The bytes of a deflated file of `size` bytes. Throws TooLarge where more come out, an Error where they are damaged. */
export function inflateMember(compressed: Uint8Array, size: number): Buffer {
  checkRatio(compressed.length, size);
  try {
    const data = inflateRawSync(compressed, { maxOutputLength: Math.max(size, 1) });
    if (data.length === size) return data;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
    throw new TooLarge(`more than the ${size} bytes that the archive's directory says come out`);
  }
  throw new Error("fewer bytes come out than the archive's directory says");
}

/** As inflateMember, for what comes in chunks and leaves in chunks. */
export function inflateStream(chunks: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  return inflated(chunks, createInflateRaw(), size);
}

/** What gzip has compressed, one member after the other. Throws TooLarge beyond `maxBytes` and for a bomb. */
export function gunzipStream(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Buffer> {
  return inflated(chunks, createGunzip(), maxBytes);
}

async function* inflated(
  chunks: AsyncIterable<Uint8Array>,
  unzip: ReturnType<typeof createGunzip>,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  let [read, made] = [0, 0];
  const counted = async function* () {
    for await (const chunk of chunks) {
      read += chunk.length;
      yield chunk;
    }
  };
  const input = Readable.from(counted(), { objectMode: false });
  input.once('error', (error) => unzip.destroy(error));
  try {
    for await (const chunk of input.pipe(unzip) as AsyncIterable<Buffer>) {
      made += chunk.length;
      if (made > maxBytes) throw new TooLarge(`more than ${maxBytes} bytes come out`);
      checkRatio(read, made);
      yield chunk;
    }
  } finally {
    input.destroy();
    unzip.destroy();
  }
}
