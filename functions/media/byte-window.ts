/** Which bytes of a file a network looks at, and the number that stands where the file has none. */
export interface ByteWindow {
  readonly beginning: number;
  readonly middle: number;
  readonly end: number;
  /** Bytes that are looked at from either side, before white space is taken off them. */
  readonly block: number;
  readonly padding: number;
  /** Takes white space off the beginning and the end, as Python's `strip`. */
  readonly strip: boolean;
}

/** Tab, line feed, vertical tab, form feed, carriage return, space: what `bytes.strip()` takes off. */
const isSpace = (byte: number | undefined) => byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);

/**
 * The bytes of a file that a network looks at, as numbers: its beginning (padded behind), its middle (padded on both sides,
 * the odd one behind) and its end (padded in front). Source: Magika, `_extract_features_from_seekable`, version 2.
 */
export function readByteWindow(file: Uint8Array, window: ByteWindow): number[] {
  const { beginning, middle, end, block, padding, strip } = window;
  const head = file.subarray(0, block);
  const tail = file.subarray(Math.max(0, file.length - block));
  const first = strip ? head.subarray(countSpaces(head, 0, 1)) : head;
  const last = strip ? tail.subarray(0, tail.length - countSpaces(tail, tail.length - 1, -1)) : tail;
  const start = Math.floor((file.length - Math.min(file.length, middle)) / 2);
  const centre = file.subarray(start, start + middle);
  const missing = middle - centre.length;
  return [
    ...first.subarray(0, beginning),
    ...repeat(padding, beginning - first.length),
    ...repeat(padding, Math.floor(missing / 2)),
    ...centre,
    ...repeat(padding, Math.ceil(missing / 2)),
    ...repeat(padding, end - last.length),
    ...last.subarray(Math.max(0, last.length - end)),
  ];
}

function countSpaces(bytes: Uint8Array, from: number, step: 1 | -1): number {
  let count = 0;
  while (isSpace(bytes[from + count * step])) count++;
  return count;
}

function repeat(value: number, count: number): number[] {
  return new Array<number>(Math.max(0, count)).fill(value);
}
