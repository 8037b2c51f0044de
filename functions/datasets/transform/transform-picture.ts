import { encodeImage } from '../../media/image.ts';
import { type Picture, toGrey } from '../../media/picture.ts';
import { resampleFilters } from '../../media/resample-weights.ts';
import { crop, resize, type Size } from '../../media/resize.ts';
import type { PictureTransform } from './transform-schema.ts';

/** Where a point of a picture lies after a change of it. */
export type MovePoint = (x: number, y: number) => readonly [x: number, y: number];

/** A picture that was changed, and where its points went. */
export interface MovedPicture {
  readonly picture: Picture;
  readonly move: MovePoint;
}

/** Resizes with Pillow's bilinear filter, and makes grey. */
export function transformPicture(picture: Picture, options: PictureTransform): MovedPicture {
  const moved = resizeTo(picture, options);
  return options.grey ? { ...moved, picture: toGrey(moved.picture) } : moved;
}

function resizeTo(picture: Picture, { width, height, fit }: PictureTransform): MovedPicture {
  const scaled = (size: Size) => resize(picture, size, resampleFilters.bilinear);
  if (width === undefined && height === undefined) return { picture, move: (x, y) => [x, y] };
  const [across, down] = [(width ?? 0) / picture.width, (height ?? 0) / picture.height];
  const stretched = fit === 'fill' && width !== undefined && height !== undefined;
  const scale = fit === 'cover' ? Math.max(across, down) : Math.min(across || down, down || across);
  const size = stretched
    ? { width, height }
    : { width: atLeastOne(picture.width * scale), height: atLeastOne(picture.height * scale) };
  const target = { width: width ?? size.width, height: height ?? size.height };
  const left = Math.floor((size.width - target.width) / 2);
  const top = Math.floor((size.height - target.height) / 2);
  const [byX, byY] = [size.width / picture.width, size.height / picture.height];
  return {
    picture: place(scaled(size), target, left, top),
    move: (x, y) => [x * byX - left, y * byY - top],
  };
}

/** The part of `picture` that begins at `left`, `top`; what lies beyond it is black. */
function place(picture: Picture, { width, height }: Size, left: number, top: number): Picture {
  if (left >= 0 && top >= 0 && left + width <= picture.width && top + height <= picture.height) {
    return crop(picture, { left, top, width, height });
  }
  const { channels } = picture;
  const data = new Uint8ClampedArray(width * height * channels);
  const [from, to] = [Math.max(0, left), Math.min(picture.width, left + width)];
  for (let y = Math.max(0, -top); y < height && y + top < picture.height; y++) {
    const row = (y + top) * picture.width;
    data.set(
      picture.data.subarray((row + from) * channels, (row + to) * channels),
      (y * width + from - left) * channels,
    );
  }
  return { width, height, channels, data };
}

function atLeastOne(side: number): number {
  return Math.max(1, Math.round(side));
}

export function encodePicture(picture: Picture, options: PictureTransform | undefined): Promise<Uint8Array> {
  return encodeImage(picture, options?.format ?? 'png', options?.quality);
}
