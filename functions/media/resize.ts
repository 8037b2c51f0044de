import { convolve } from './convolve.ts';
import type { Box, Picture } from './picture.ts';
import { computeWeights, type Resample, resampleFilters } from './resample-weights.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

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
  if (!columns && !rows) return crop(picture, band);
  return convolve(picture, band, columns, rows && { ...rows, first: rows.first.map((row) => row - top) });
}

/** The part `box` of `picture`, which contains it. */
export function crop(picture: Picture, box: Box): Picture {
  const { channels } = picture;
  if (box.width === picture.width && box.height === picture.height) return picture;
  const stride = box.width * channels;
  const data = new Uint8Array(stride * box.height);
  for (let y = 0; y < box.height; y++) {
    const start = ((box.top + y) * picture.width + box.left) * channels;
    data.set(picture.data.subarray(start, start + stride), y * stride);
  }
  return { width: box.width, height: box.height, channels, data };
}

function resizeNearest(picture: Picture, size: Size, box: Box): Picture {
  const { channels } = picture;
  const columns = nearestPositions(picture.width, size.width, box.left, box.width);
  const rows = nearestPositions(picture.height, size.height, box.top, box.height);
  const data = new Uint8Array(box.width * box.height * channels);
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
