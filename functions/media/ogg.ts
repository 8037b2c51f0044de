import { type AudioFormat, refuseAudio } from './audio-stream.ts';

/** One page of an Ogg stream (RFC 3533, section 6). */
export interface OggPage {
  /** The whole page. */
  readonly bytes: Uint8Array;
  /** Segments of the page's body; one shorter than 255 ends a packet. */
  readonly segments: readonly Uint8Array[];
  /** Position after the page's last whole packet, in the codec's unit; -1: no packet ends here. */
  readonly granule: number;
}

const headerBytes = 27;
const flags = { first: 2, last: 4 } as const;

/** The codec that an Ogg file's first packet announces; undefined: none that is decoded. */
export function identifyOggCodec(bytes: Uint8Array): 'Ogg Vorbis' | 'Ogg Opus' | undefined {
  const start = String.fromCharCode(...bytes.subarray(headerBytes + 1, headerBytes + 9));
  if (start.startsWith('\x01vorbis')) return 'Ogg Vorbis';
  return start === 'OpusHead' ? 'Ogg Opus' : undefined;
}

/** The pages of the first logical stream, checksums proved. Throws where the file is damaged, cut off or chained. */
export function readOggPages(bytes: Uint8Array, format: AudioFormat): OggPage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pages: OggPage[] = [];
  let serial: number | undefined;
  let ended = false;
  for (let position = 0; position < bytes.length; ) {
    const page = readPage(bytes, view, position, format);
    position += page.bytes.length;
    serial ??= page.serial;
    if (ended && page.flags & flags.first) throw refuseAudio(format, 'it holds several sounds one after another');
    if (page.serial !== serial) continue;
    pages.push(page);
    ended = (page.flags & flags.last) !== 0;
  }
  return pages;
}

function readPage(bytes: Uint8Array, view: DataView, start: number, format: AudioFormat) {
  const cutOff = () => refuseAudio(format, `it is cut off within the page at byte ${start}`);
  if (start + headerBytes > bytes.length) throw cutOff();
  if (view.getUint32(start) !== 0x4f676753 || bytes[start + 4] !== 0) {
    throw refuseAudio(format, `it is damaged: no Ogg page begins at byte ${start}`);
  }
  const count = bytes[start + 26]!;
  let end = start + headerBytes + count;
  const segments: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const size = bytes[start + headerBytes + i];
    if (size === undefined || end + size > bytes.length) throw cutOff();
    segments.push(bytes.subarray(end, end + size));
    end += size;
  }
  const page = bytes.subarray(start, end);
  if (checksum(page) !== view.getUint32(start + 22, true)) {
    throw refuseAudio(format, `it is damaged: the checksum of the page at byte ${start} is wrong`);
  }
  const granule = Number(view.getBigInt64(start + 6, true));
  return { bytes: page, segments, granule, serial: view.getUint32(start + 14, true), flags: bytes[start + 5]! };
}

/** Packets in the pages' order, each with the number of the page on which it ends. */
export function* readOggPackets(pages: readonly OggPage[]): Generator<{ packet: Uint8Array; page: number }> {
  let parts: Uint8Array[] = [];
  for (const [page, { segments }] of pages.entries()) {
    for (const segment of segments) {
      parts.push(segment);
      if (segment.length === 255) continue;
      yield { packet: join(parts), page };
      parts = [];
    }
  }
}

/** Where the last packet ends: the length of the sound, in the codec's unit. */
export function lastGranule(pages: readonly OggPage[]): number {
  return pages.reduce((last, { granule }) => Math.max(last, granule), 0);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** CRC-32 with the polynomial 04c11db7, not reflected, from 0; the field itself counts as zeros. */
function checksum(page: Uint8Array): number {
  let value = 0;
  for (let i = 0; i < page.length; i++) {
    const byte = i >= 22 && i < 26 ? 0 : page[i]!;
    value = ((value << 8) ^ table[(value >>> 24) ^ byte]!) >>> 0;
  }
  return value;
}

const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit++) value = value & 0x8000_0000 ? (value << 1) ^ 0x04c1_1db7 : value << 1;
  return value >>> 0;
});
