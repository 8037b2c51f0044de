import type { Box, Picture } from './picture.ts';
import { createResampleKernel, lowerBits, type ResampleKernel } from './resample-kernel.ts';
import type { Weights } from './resample-weights.ts';

/** Source rows are copied into the kernel's memory in strips of about this size. */
const stripBytes = 2 ** 20;
/** Memory up to this size is kept from picture to picture; WebAssembly's never shrinks. */
const keptBytes = 16 * 2 ** 20;
const pageBytes = 65_536;
/** What the kernel may read and write beyond its tables and rows. */
const slack = 16;

interface Workplace {
  readonly memory: WebAssembly.Memory;
  readonly kernel: ResampleKernel;
}

let kept: Workplace | undefined;

/**
 * The part `band` of `picture` as wide as `columns` and as high as `rows` make it, in this order, with 8 bits between: one
 * of the two may be absent. Rows are counted within the band.
 */
export function convolve(picture: Picture, band: Box, columns?: Weights, rows?: Weights): Picture {
  const { channels } = picture;
  const stride = band.width * channels;
  const height = rows ? rows.counts.length : band.height;
  const sourceStride = picture.width * channels;
  const stripRows = Math.min(band.height, Math.max(1, Math.floor(stripBytes / sourceStride)));
  const across = columns && splitWeights(columns, channels === 3 ? 4 : 8);
  const down = rows && splitWeights(rows, 2);

  const take = layOut();
  const columnTable = across && placeTable(take, across);
  const rowTable = down && placeTable(take, down);
  const strip = columns ? take(stripRows * sourceStride + across!.taps * channels + slack) : 0;
  const narrow = take((band.height + 1) * stride + slack);
  const result = rows ? take(height * stride + slack) : narrow;
  const { memory, kernel } = openWorkplace(take(0));
  const bytes = new Uint8Array(memory.buffer);

  if (across && columnTable) {
    writeTable(memory, columnTable, across);
    new Int32Array(memory.buffer, columnTable.first, band.width).set(columns!.first.map((pixel) => pixel * channels));
    const pass = channels === 3 ? kernel.rgbRow : kernel.greyRow;
    for (let y = 0; y < band.height; y++) {
      const inStrip = y % stripRows;
      const start = (band.top + y) * sourceStride;
      if (inStrip === 0) bytes.set(picture.data.subarray(start, start + stripRows * sourceStride), strip);
      const { first, upper, lower } = columnTable;
      pass(strip + inStrip * sourceStride, narrow + y * stride, band.width, first, upper, lower, across.taps);
    }
  } else {
    for (let y = 0; y < band.height; y++) {
      const start = ((band.top + y) * picture.width + band.left) * channels;
      bytes.set(picture.data.subarray(start, start + stride), narrow + y * stride);
    }
  }
  if (rows && down && rowTable) {
    writeTable(memory, rowTable, down);
    for (let y = 0; y < height; y++) {
      const weights = y * down.taps * 2;
      const source = narrow + rows.first[y]! * stride;
      const taps = rows.counts[y]! + (rows.counts[y]! % 2);
      kernel.mixRows(
        source,
        result + y * stride,
        stride,
        stride,
        rowTable.upper + weights,
        rowTable.lower + weights,
        taps,
      );
    }
  }
  const data = bytes.slice(result, result + height * stride);
  if (bytes.length <= keptBytes) kept = { memory, kernel };
  return { width: band.width, height, channels, data };
}

/** Weights as the kernel takes them, with zeros up to a multiple of `multiple` for each position. */
interface SplitWeights {
  readonly taps: number;
  readonly upper: Int16Array;
  readonly lower: Int16Array;
}

function splitWeights({ counts, taps, values }: Weights, multiple: number): SplitWeights {
  const padded = Math.ceil(counts.reduce((most, count) => Math.max(most, count)) / multiple) * multiple;
  const upper = new Int16Array(counts.length * padded);
  const lower = new Int16Array(counts.length * padded);
  for (let i = 0; i < counts.length; i++) {
    for (let k = 0; k < counts[i]!; k++) {
      const value = values[i * taps + k]!;
      upper[i * padded + k] = value >> lowerBits;
      lower[i * padded + k] = value & ((1 << lowerBits) - 1);
    }
  }
  return { taps: padded, upper, lower };
}

/** Hands out addresses one behind the other, each a multiple of 16; of nothing: the end of all. */
function layOut(): (bytes: number) => number {
  let end = 0;
  return (bytes) => {
    const start = end;
    end += Math.ceil(bytes / 16) * 16;
    return start;
  };
}

interface Table {
  readonly first: number;
  readonly upper: number;
  readonly lower: number;
}

function placeTable(take: (bytes: number) => number, { taps, upper, lower }: SplitWeights): Table {
  const count = upper.length / taps;
  return { first: take(count * 4), upper: take(upper.byteLength), lower: take(lower.byteLength) };
}

function writeTable(memory: WebAssembly.Memory, table: Table, { upper, lower }: SplitWeights): void {
  new Int16Array(memory.buffer, table.upper, upper.length).set(upper);
  new Int16Array(memory.buffer, table.lower, lower.length).set(lower);
}

function openWorkplace(bytes: number): Workplace {
  const pages = Math.ceil((bytes + slack) / pageBytes);
  const known = kept;
  kept = undefined;
  if (known && known.memory.buffer.byteLength >= pages * pageBytes) return known;
  const memory = new WebAssembly.Memory({ initial: pages });
  return { memory, kernel: createResampleKernel(memory) };
}
