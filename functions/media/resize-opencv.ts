import type { Picture } from './picture.ts';
import type { Size } from './resize.ts';
import { roundHalfEven } from './round-half-even.ts';

/** Bits of fraction in a weight. */
const one = 2048;

interface Neighbours {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weights: Int32Array;
}

/**
 * `picture` as OpenCV's `resize(…, interpolation=INTER_LINEAR)` makes it, equal in every bit: two neighbours in each
 * direction, without antialiasing, 11-bit weights. Source: OpenCV 4, modules/imgproc/src/resize.cpp, HResizeLinear and
 * VResizeLinear; halves are averages there (INTER_AREA).
 */
export function resizeAsOpenCv(picture: Picture, size: Size): Picture {
  if (size.width === picture.width && size.height === picture.height) return picture;
  const halves = size.width * 2 === picture.width && size.height * 2 === picture.height;
  const data = halves ? halve(picture, size) : interpolate(picture, size);
  return { width: size.width, height: size.height, channels: picture.channels, data };
}

function halve({ data: from, width, channels }: Picture, size: Size): Uint8Array {
  const stride = width * channels;
  const data = new Uint8Array(size.width * size.height * channels);
  for (let y = 0, to = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      for (let c = 0; c < channels; c++) {
        const at = y * 2 * stride + x * 2 * channels + c;
        data[to++] = (from[at]! + from[at + channels]! + from[at + stride]! + from[at + stride + channels]! + 2) >> 2;
      }
    }
  }
  return data;
}

function interpolate(picture: Picture, size: Size): Uint8Array {
  const { channels, data: from } = picture;
  const columns = findNeighbours(picture.width, size.width, true);
  const rows = findNeighbours(picture.height, size.height, false);
  const stride = size.width * channels;
  const data = new Uint8Array(stride * size.height);
  /** The two source rows in use, resized across, with their numbers. */
  const lines = [new Int32Array(stride), new Int32Array(stride)];
  const numbers = [-1, -1];
  const readLine = (row: number, other: number): Int32Array => {
    const known = numbers.indexOf(row);
    if (known >= 0) return lines[known]!;
    const free = numbers[0] === other ? 1 : 0;
    numbers[free] = row;
    const line = lines[free]!;
    for (let x = 0, to = 0; x < size.width; x++) {
      const left = (row * picture.width + columns.first[x]!) * channels;
      const right = (row * picture.width + columns.second[x]!) * channels;
      const [near, far] = [columns.weights[x * 2]!, columns.weights[x * 2 + 1]!];
      for (let c = 0; c < channels; c++) line[to++] = from[left + c]! * near + from[right + c]! * far;
    }
    return line;
  };
  for (let y = 0; y < size.height; y++) {
    const upper = readLine(rows.first[y]!, rows.second[y]!);
    const lower = readLine(rows.second[y]!, rows.first[y]!);
    const [near, far] = [rows.weights[y * 2]!, rows.weights[y * 2 + 1]!];
    for (let i = 0, to = y * stride; i < stride; i++, to++) {
      data[to] = ((((upper[i]! >> 4) * near) >> 16) + (((lower[i]! >> 4) * far) >> 16) + 2) >> 2;
    }
  }
  return data;
}

/** `alone`: at an edge the nearer place has all the weight; else both are the same place. */
function findNeighbours(from: number, to: number, alone: boolean): Neighbours {
  const first = new Int32Array(to);
  const second = new Int32Array(to);
  const weights = new Int32Array(to * 2);
  const scale = 1 / (to / from);
  const last = from - 1;
  for (let i = 0; i < to; i++) {
    const place = Math.fround((i + 0.5) * scale - 0.5);
    const low = Math.floor(place);
    const outside = low < 0 || low >= last;
    const share = alone && outside ? 0 : Math.fround(place - low);
    first[i] = Math.min(last, Math.max(0, low));
    second[i] = Math.min(last, Math.max(0, low + 1));
    weights[i * 2] = roundHalfEven(Math.fround(Math.fround(1 - share) * one));
    weights[i * 2 + 1] = roundHalfEven(Math.fround(share * one));
  }
  return { first, second, weights };
}
