/** The sum of the block sizes of all frames: the length of a FLAC sound, whatever its STREAMINFO says. */
export function countFlacSamples(bytes: Uint8Array): number {
  let samples = 0;
  for (let at = bytes.indexOf(0xff); at >= 0; at = bytes.indexOf(0xff, at + 1)) samples += readBlockSize(bytes, at);
  return samples;
}

/**
 * Where a piece of at most `maxBytes` from `start` on ends, so that its frames have at most about `maxSamples` samples: a
 * frame of silence has 65,536 of them in a dozen bytes.
 */
export function endOfFlacPiece(bytes: Uint8Array, start: number, maxBytes: number, maxSamples: number): number {
  const last = Math.min(bytes.length, start + maxBytes);
  let samples = 0;
  for (let at = bytes.indexOf(0xff, start); at >= 0 && at < last; at = bytes.indexOf(0xff, at + 1)) {
    samples += readBlockSize(bytes, at);
    if (samples > maxSamples && at > start) return at;
  }
  return last;
}

/** Samples per channel of the frame whose header is at `at`; 0: no header whose checksum is right (RFC 9639, 9.1). */
function readBlockSize(bytes: Uint8Array, at: number): number {
  const [code, rate] = [(bytes[at + 2] ?? 0) >> 4, (bytes[at + 2] ?? 0) & 15];
  if (((bytes[at + 1] ?? 0) & 0xfe) !== 0xf8 || code === 0 || rate === 15) return 0;
  // The number of the frame or sample is coded like UTF-8, in up to 7 bytes.
  const ones = Math.clz32(~((bytes[at + 4] ?? 0) << 24));
  const extra = at + 4 + Math.max(1, ones);
  const end = extra + (code === 6 ? 1 : code === 7 ? 2 : 0) + (rate === 12 ? 1 : rate === 13 || rate === 14 ? 2 : 0);
  if (end >= bytes.length || checksum(bytes, at, end) !== bytes[end]) return 0;
  if (code === 6) return bytes[extra]! + 1;
  if (code === 7) return bytes[extra]! * 256 + bytes[extra + 1]! + 1;
  if (code === 1) return 192;
  return code <= 5 ? 576 << (code - 2) : 256 << (code - 8);
}

/** CRC-8 with the polynomial 07, from 0. */
function checksum(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) {
    value ^= bytes[i]!;
    for (let bit = 0; bit < 8; bit++) value = value & 0x80 ? ((value << 1) ^ 0x07) & 0xff : value << 1;
  }
  return value;
}
