import { createHash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import type { Picture } from '../functions/media/picture.ts';

/** A picture of all levels that a formula makes in any language: (37x + 91y + 53c + 7xy) mod 256. */
export function formulaPicture(width: number, height: number, channels: 1 | 3): Picture {
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const c = i % channels;
    const x = Math.floor(i / channels) % width;
    const y = Math.floor(i / channels / width);
    data[i] = x * 37 + y * 91 + c * 53 + x * y * 7;
  }
  return { width, height, channels, data };
}

/** The first 16 hex digits of SHA-256. */
export function digest(data: ArrayBufferView): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** A PNG file (second edition, sections 5 and 11). `rows`: the samples as the file holds them, without filter bytes. */
export function writePng(
  header: { width: number; height: number; bits: number; colourType: number },
  rows: readonly Uint8Array[],
): Buffer {
  const start = Buffer.alloc(13);
  start.writeUInt32BE(header.width, 0);
  start.writeUInt32BE(header.height, 4);
  start.set([header.bits, header.colourType], 8);
  const pixels = deflateSync(Buffer.concat(rows.flatMap((row) => [Buffer.of(0), row])));
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([signature, chunk('IHDR', start), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
