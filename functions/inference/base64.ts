/**
 * Base64 of tensors. One string of a whole tensor would cost more than its coding: V8 maps new pages for every
 * string beyond 128 KB. Short ones, of one piece each, live where others just died.
 */

/** Bytes of a piece; whole groups of three, so that the text of the pieces joins. */
const pieceBytes = 3 * 2 ** 14;

/** Characters of the base64 of so many bytes. */
export function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

/** Separators that writeBase64 writes for so many bytes. */
export function countSeparators(bytes: number): number {
  return Math.max(0, Math.ceil(bytes / pieceBytes) - 1);
}

/** Writes the base64 text of `bytes` into `target` at `at`, in pieces with a separator between; gives the position after it. */
export function writeBase64(bytes: Buffer, target: Buffer, at: number, separator = ''): number {
  let position = at;
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    if (from > 0) position += target.write(separator, position, 'latin1');
    position += target.write(bytes.toString('base64', from, from + pieceBytes), position, 'latin1');
  }
  return position;
}

/** The bytes whose base64 is that of all `pieces`, each but the last one whole groups of four; 8-aligned in memory. */
export function joinBase64(pieces: readonly string[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + Math.ceil(length / 4) * 3, 0));
  let to = 0;
  for (const piece of pieces) to += bytes.write(piece, to, 'base64');
  return bytes.subarray(0, to);
}
