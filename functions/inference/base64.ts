/**
 * Base64 between bytes and bytes. One string of a whole tensor would cost more than its coding: V8 maps new pages for every
 * string beyond 128 KB. Short ones, of one piece each, live where others just died.
 */

/** Bytes of a piece; whole groups of three, so that the text of the pieces joins. */
const pieceBytes = 3 * 2 ** 14;
const pieceText = (pieceBytes / 3) * 4;

/** Characters of the base64 of so many bytes. */
export function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

/** The base64 text of `bytes`, in ASCII. */
export function toBase64(bytes: Buffer): Buffer {
  const text = Buffer.allocUnsafeSlow(base64Length(bytes.length));
  writeBase64(bytes, text, 0);
  return text;
}

/** Writes the base64 text of `bytes` into `target` at `at`; gives the position after it. */
export function writeBase64(bytes: Buffer, target: Buffer, at: number): number {
  let position = at;
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    position += target.write(bytes.toString('base64', from, from + pieceBytes), position, 'latin1');
  }
  return position;
}

/** The bytes whose base64 is `text`, 8-aligned in memory. */
export function fromBase64(text: Buffer): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Math.ceil(text.length / 4) * 3);
  let to = 0;
  for (let from = 0; from < text.length; from += pieceText) {
    to += bytes.write(text.toString('latin1', from, from + pieceText), to, 'base64');
  }
  return bytes.subarray(0, to);
}
