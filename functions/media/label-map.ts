import { type Between, blend } from './upsample.ts';

/** One plane of numbers for each class, row-major. */
export interface Planes {
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

/**
 * For each position the class whose interpolated number is the largest, the first of equal ones: what
 * `interpolate(planes).argmax(0)` gives. Where a class leads at all four places around a position it leads there too, since
 * interpolation keeps the order; so only borders between classes are computed.
 */
export function largestPlane(planes: Planes, columns: Between, rows: Between): Uint16Array {
  const { count, width, data } = planes;
  const leaders = coarseLeaders(planes);
  const size = width * planes.height;
  const labels = new Uint16Array(columns.first.length * rows.first.length);
  let to = 0;
  for (let y = 0; y < rows.first.length; y++) {
    const upper = rows.first[y]! * width;
    const lower = rows.second[y]! * width;
    for (let x = 0; x < columns.first.length; x++) {
      const a = upper + columns.first[x]!;
      const b = upper + columns.second[x]!;
      const c = lower + columns.first[x]!;
      const d = lower + columns.second[x]!;
      let label = leaders[a]!;
      if (leaders[b] !== label || leaders[c] !== label || leaders[d] !== label) {
        let largest = Number.NEGATIVE_INFINITY;
        for (let plane = 0, at = 0; plane < count; plane++, at += size) {
          const value = blend(
            data[at + a]!,
            data[at + b]!,
            data[at + c]!,
            data[at + d]!,
            columns.share[x]!,
            rows.share[y]!,
          );
          if (value > largest) {
            largest = value;
            label = plane;
          }
        }
      }
      labels[to++] = label;
    }
  }
  return labels;
}

/** How many interpolated numbers of each plane are at least `threshold(plane)`. */
export function countAbove(
  { count, width, height, data }: Planes,
  columns: Between,
  rows: Between,
  threshold: (plane: number) => number,
): number[] {
  return Array.from({ length: count }, (_, plane) => {
    const at = plane * width * height;
    const least = threshold(plane);
    let above = 0;
    for (let y = 0; y < rows.first.length; y++) {
      const upper = at + rows.first[y]! * width;
      const lower = at + rows.second[y]! * width;
      for (let x = 0; x < columns.first.length; x++) {
        const [left, right] = [columns.first[x]!, columns.second[x]!];
        const share = columns.share[x]!;
        const value = blend(
          data[upper + left]!,
          data[upper + right]!,
          data[lower + left]!,
          data[lower + right]!,
          share,
          rows.share[y]!,
        );
        if (value >= least) above++;
      }
    }
    return above;
  });
}

function coarseLeaders({ count, width, height, data }: Planes): Uint16Array {
  const size = width * height;
  const leaders = new Uint16Array(size);
  for (let i = 0; i < size; i++) {
    let largest = data[i]!;
    for (let plane = 1; plane < count; plane++) {
      const value = data[plane * size + i]!;
      if (value > largest) {
        largest = value;
        leaders[i] = plane;
      }
    }
  }
  return leaders;
}
