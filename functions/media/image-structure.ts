import type { ImageFormat } from './identify-format.ts';
import type { Size } from './resize.ts';

/** Whether the file has its format's last part; what lies before it is for the decoder to judge. */
export function isWhole(bytes: Uint8Array, format: ImageFormat): boolean {
  return endings[format](Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

const endings: Record<ImageFormat, (file: Buffer) => boolean> = {
  // Marker EOI, after the data of the last scan. Cameras add to a file after it, thumbnails before.
  JPEG: (file) => file.lastIndexOf(Buffer.of(0xff, 0xd9)) > file.lastIndexOf(Buffer.of(0xff, 0xda)),
  PNG: hasPngEnd,
  // The size in the RIFF header (RFC 9649, section 2.4).
  WebP: (file) => file.length >= file.readUInt32LE(4) + 8,
  // The trailer (GIF89a, section 27).
  GIF: (file) => file.includes(0x3b, -16),
};

/** Walks the chunks to IEND (PNG specification, section 5.3): length, type, data, checksum. */
function hasPngEnd(file: Buffer): boolean {
  for (let position = 8; position + 12 <= file.length; position += 12 + file.readUInt32BE(position)) {
    if (file.toString('latin1', position + 4, position + 8) === 'IEND') return true;
  }
  return false;
}

const jpegSpaces: Readonly<Record<number, 'b-w' | 'srgb' | 'cmyk'>> = { 1: 'b-w', 3: 'srgb', 4: 'cmyk' };

/**
 * Size and colour space by the frame header of a JPEG (ITU-T T.81, B.2.2). undefined: something on the way to it is
 * unusual, and the decoder is to judge.
 */
export function readJpegHeader(bytes: Uint8Array): (Size & { space: 'b-w' | 'srgb' | 'cmyk' }) | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let position = 2; position + 10 <= bytes.length; position += 2 + view.getUint16(position + 2)) {
    const marker = view.getUint16(position);
    const isFrame = marker >= 0xffc0 && marker <= 0xffc2;
    if (isFrame) {
      const [height, width] = [view.getUint16(position + 5), view.getUint16(position + 7)];
      const space = jpegSpaces[bytes[position + 9]!];
      return width && height && space ? { width, height, space } : undefined;
    }
    // Tables, comments and application data may come before; all else (a scan, say) may not.
    const mayPrecede =
      marker >= 0xffdb ? marker <= 0xffef || marker === 0xfffe : marker === 0xffc4 || marker === 0xffcc;
    if (!mayPrecede) return undefined;
  }
  return undefined;
}

/**
 * The GIF with the transparency flag of its first frame cleared, so that transparent pixels keep the colour that the
 * palette gives them, as with Pillow. Layout: GIF89a, sections 17 to 23.
 */
export function withoutTransparency(bytes: Uint8Array): Uint8Array {
  const screen = bytes[10] ?? 0;
  let position = 13 + (screen & 0x80 ? 3 << ((screen & 7) + 1) : 0);
  while (bytes[position] === 0x21) {
    if (bytes[position + 1] === 0xf9) {
      const opaque = bytes.slice();
      opaque[position + 3] = bytes[position + 3]! & ~1;
      return opaque;
    }
    position += 2;
    while (bytes[position]) position += bytes[position]! + 1;
    position++;
  }
  return bytes;
}
