import type { Box, Picture } from './picture.ts';

/** Pillow's numbers of its filters, which `resample` in preprocessor_config.json means. */
export const resampleFilters = { nearest: 0, lanczos: 1, bilinear: 2, bicubic: 3, box: 4, hamming: 5 } as const;

export type Resample = (typeof resampleFilters)[keyof typeof resampleFilters];

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** For each output position: its first source position, and `taps` weights of which the first `counts` are used. */
interface Weights {
  readonly first: Int32Array;
  readonly counts: Int32Array;
  readonly taps: number;
  readonly values: Int32Array;
}

/** Bits of fraction in a weight: 32, less 8 for the pixel and 2 for negative lobes. */
const precisionBits = 22;
const half = 1 << (precisionBits - 1);

/**
 * The part `box` of `picture` as Pillow's `Image.resize((size.width, size.height), resample)` makes it, equal in every
 * bit: separable convolution with antialiasing, columns first, 22-bit fixed-point weights, 8 bits between the passes.
 * Only what `box` shows is computed. `box` lies within the resized picture.
 * Algorithm: Pillow, src/libImaging/Resample.c, and ImagingScaleAffine in Geometry.c for nearest.
 */
export function resize(
  picture: Picture,
  size: Size,
  resample: Resample,
  box: Box = { left: 0, top: 0, ...size },
): Picture {
  if (resample === resampleFilters.nearest) return resizeNearest(picture, size, box);
  const columns =
    size.width === picture.width ? undefined : computeWeights(picture.width, size.width, box.left, box.width, resample);
  const rows =
    size.height === picture.height
      ? undefined
      : computeWeights(picture.height, size.height, box.top, box.height, resample);
  // The rows of the source that the second pass will read.
  const top = rows ? rows.first[0]! : box.top;
  const bottom = rows ? rows.first[box.height - 1]! + rows.counts[box.height - 1]! : box.top + box.height;
  const band = { left: box.left, top, width: box.width, height: bottom - top };
  const narrow = columns ? resampleColumns(picture, band, columns) : crop(picture, band);
  return rows ? resampleRows(narrow, rows, box.height, top) : narrow;
}

/** The part `box` of `picture`, which contains it. */
export function crop(picture: Picture, box: Box): Picture {
  const { channels } = picture;
  if (box.width === picture.width && box.height === picture.height) return picture;
  const stride = box.width * channels;
  const data = new Uint8ClampedArray(stride * box.height);
  for (let y = 0; y < box.height; y++) {
    const start = ((box.top + y) * picture.width + box.left) * channels;
    data.set(picture.data.subarray(start, start + stride), y * stride);
  }
  return { width: box.width, height: box.height, channels, data };
}

function resampleColumns(picture: Picture, band: Box, weights: Weights): Picture {
  const { channels } = picture;
  const data = new Uint8ClampedArray(band.width * band.height * channels);
  const pass = channels === 3 ? resampleRowRgb : resampleRowGrey;
  for (let y = 0; y < band.height; y++) {
    const source = (band.top + y) * picture.width * channels;
    pass(picture.data, source, data, y * band.width * channels, band.width, weights);
  }
  return { width: band.width, height: band.height, channels, data };
}

function resampleRowRgb(
  from: Picture['data'],
  source: number,
  to: Uint8ClampedArray,
  target: number,
  width: number,
  weights: Weights,
): void {
  const { first, counts, taps, values } = weights;
  for (let x = 0, t = target; x < width; x++, t += 3) {
    let red = half;
    let green = half;
    let blue = half;
    let p = source + first[x]! * 3;
    const start = x * taps;
    const end = start + counts[x]!;
    for (let k = start; k < end; k++, p += 3) {
      const weight = values[k]!;
      red = (red + from[p]! * weight) | 0;
      green = (green + from[p + 1]! * weight) | 0;
      blue = (blue + from[p + 2]! * weight) | 0;
    }
    // The array clamps to 0..255.
    to[t] = red >> precisionBits;
    to[t + 1] = green >> precisionBits;
    to[t + 2] = blue >> precisionBits;
  }
}

function resampleRowGrey(
  from: Picture['data'],
  source: number,
  to: Uint8ClampedArray,
  target: number,
  width: number,
  weights: Weights,
): void {
  const { first, counts, taps, values } = weights;
  for (let x = 0; x < width; x++) {
    let grey = half;
    let p = source + first[x]!;
    const start = x * taps;
    const end = start + counts[x]!;
    for (let k = start; k < end; k++, p++) grey = (grey + from[p]! * values[k]!) | 0;
    to[target + x] = grey >> precisionBits;
  }
}

/** `top` is the row of the whole picture that is row 0 of `picture`. */
function resampleRows(picture: Picture, weights: Weights, height: number, top: number): Picture {
  const { channels, width, data: from } = picture;
  const stride = width * channels;
  const data = new Uint8ClampedArray(stride * height);
  const sums = new Int32Array(stride);
  for (let y = 0; y < height; y++) {
    sums.fill(half);
    let source = (weights.first[y]! - top) * stride;
    const start = y * weights.taps;
    const end = start + weights.counts[y]!;
    for (let k = start; k < end; k++, source += stride) {
      const weight = weights.values[k]!;
      for (let i = 0; i < stride; i++) sums[i] = sums[i]! + from[source + i]! * weight;
    }
    for (let i = 0, t = y * stride; i < stride; i++, t++) data[t] = sums[i]! >> precisionBits;
  }
  return { width, height, channels, data };
}

/** Weights of the output positions `start` … `start + count - 1` of `to`, for a source of `from` positions. */
function computeWeights(
  from: number,
  to: number,
  start: number,
  count: number,
  resample: Exclude<Resample, 0>,
): Weights {
  const { support, weight } = kernels[resample];
  const scale = from / to;
  const filterScale = Math.max(scale, 1);
  const reach = support * filterScale;
  // Not more than there are positions, so that a large filter over a short source takes no memory for nothing.
  const taps = Math.min(Math.ceil(reach) * 2 + 1, from);
  const first = new Int32Array(count);
  const counts = new Int32Array(count);
  const values = new Int32Array(count * taps);
  const unscaled = new Float64Array(taps);
  const step = 1 / filterScale;
  for (let i = 0; i < count; i++) {
    const center = (start + i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - reach + 0.5));
    const length = Math.min(from, Math.trunc(center + reach + 0.5)) - low;
    let sum = 0;
    for (let k = 0; k < length; k++) {
      unscaled[k] = weight((k + low - center + 0.5) * step);
      sum += unscaled[k]!;
    }
    for (let k = 0; k < length; k++) {
      const share = (sum === 0 ? unscaled[k]! : unscaled[k]! / sum) * (1 << precisionBits);
      values[i * taps + k] = Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
    }
    first[i] = low;
    counts[i] = length;
  }
  return { first, counts, taps, values };
}

function resizeNearest(picture: Picture, size: Size, box: Box): Picture {
  const { channels } = picture;
  const columns = nearestPositions(picture.width, size.width, box.left, box.width);
  const rows = nearestPositions(picture.height, size.height, box.top, box.height);
  const data = new Uint8ClampedArray(box.width * box.height * channels);
  let t = 0;
  for (let y = 0; y < box.height; y++) {
    const row = rows[y]! * picture.width;
    for (let x = 0; x < box.width; x++) {
      const p = (row + columns[x]!) * channels;
      for (let c = 0; c < channels; c++) data[t++] = picture.data[p + c]!;
    }
  }
  return { width: box.width, height: box.height, channels, data };
}

function nearestPositions(from: number, to: number, start: number, count: number): Int32Array {
  const scale = from / to;
  const positions = new Int32Array(count);
  // Added up step by step as Pillow does: the rounding of the sum decides at the borders between pixels.
  let position = scale * 0.5;
  for (let i = 0; i < start + count; i++, position += scale) {
    if (i >= start) positions[i - start] = Math.min(from - 1, Math.trunc(position));
  }
  return positions;
}

const kernels: Record<Exclude<Resample, 0>, { support: number; weight: (x: number) => number }> = {
  [resampleFilters.lanczos]: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
  [resampleFilters.bilinear]: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  [resampleFilters.bicubic]: { support: 2, weight: (x) => bicubic(Math.abs(x)) },
  [resampleFilters.box]: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  [resampleFilters.hamming]: { support: 1, weight: (x) => hamming(Math.abs(x)) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** Keys' cubic convolution with a = -0.5. */
function bicubic(x: number): number {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

function hamming(x: number): number {
  if (x === 0) return 1;
  // Single-precision constants, as in Pillow.
  return x >= 1 ? 0 : sinc(x) * (Math.fround(0.54) + Math.fround(0.46) * Math.cos(x * Math.PI));
}
