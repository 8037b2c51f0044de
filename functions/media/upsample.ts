/** For each position of a line: the two places of a coarser line that it lies between, and how near the second one is. */
export interface Between {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float32Array;
}

/**
 * Where `count` positions lie on a line of `length` places: PyTorch's `interpolate(mode='bilinear', align_corners=False)`.
 * `toPlace`: the middle of a position → its place, where the middle of place 0 is 0.5.
 */
export function placeBetween(count: number, length: number, toPlace: (middle: number) => number): Between {
  const first = new Int32Array(count);
  const second = new Int32Array(count);
  const share = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const place = Math.min(length - 1, Math.max(0, toPlace(i + 0.5) - 0.5));
    first[i] = Math.floor(place);
    second[i] = Math.min(length - 1, first[i]! + 1);
    share[i] = place - first[i]!;
  }
  return { first, second, share };
}

/** A value between four, `a b` in one row and `c d` in the next. */
export function blend(a: number, b: number, c: number, d: number, across: number, down: number): number {
  const upper = a + (b - a) * across;
  const lower = c + (d - c) * across;
  return upper + (lower - upper) * down;
}
