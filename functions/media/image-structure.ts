import type { ImageFormat } from './identify-format.ts';

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
