import type { Picture } from './picture.ts';

/** A table of `weight × level` in 6 bits of fraction, rounded as C's `(int)(x + 0.5)` does. */
const table = (weight: number, zero = 0) =>
  Int32Array.from({ length: 256 }, (_, level) => Math.trunc(weight * 64 * (level - zero) + 0.5));

const luminance = [table(0.299), table(0.587), table(0.114)] as const;
const blueness = [table(-0.16874), table(-0.33126), table(0.5)] as const;
const redness = [table(0.5), table(-0.41869), table(-0.08131)] as const;
const redOfCr = table(1.402, 128);
const greenOfCb = table(-0.34414, 128);
const greenOfCr = table(-0.71414, 128);
const blueOfCb = table(1.772, 128);

/** Y of an RGB picture, as Pillow's `convert('YCbCr')` gives it (src/libImaging/ConvertYCbCr.c). */
export function toLuminance(picture: Picture): Picture {
  return picture.channels === 1 ? picture : plane(picture, luminance, 0);
}

/** Cb and Cr of an RGB picture, as Pillow's `convert('YCbCr')` gives them. */
export function toChrominance(picture: Picture): { cb: Picture; cr: Picture } {
  return { cb: plane(picture, blueness, 128), cr: plane(picture, redness, 128) };
}

/** Three planes of one size → RGB, as Pillow's `convert('RGB')`. */
export function fromYcbcr(y: Picture, cb: Picture, cr: Picture): Picture {
  const data = new Uint8ClampedArray(y.data.length * 3);
  for (let i = 0, p = 0; i < y.data.length; i++, p += 3) {
    const level = y.data[i]!;
    const blue = cb.data[i]!;
    const red = cr.data[i]!;
    data[p] = level + (redOfCr[red]! >> 6);
    data[p + 1] = level + ((greenOfCb[blue]! + greenOfCr[red]!) >> 6);
    data[p + 2] = level + (blueOfCb[blue]! >> 6);
  }
  return { ...y, channels: 3, data };
}

function plane(picture: Picture, [red, green, blue]: readonly Int32Array[], offset: number): Picture {
  const { data: rgb } = picture;
  const data = new Uint8Array(picture.width * picture.height);
  for (let i = 0, p = 0; i < data.length; i++, p += 3) {
    data[i] = ((red![rgb[p]!]! + green![rgb[p + 1]!]! + blue![rgb[p + 2]!]!) >> 6) + offset;
  }
  return { ...picture, channels: 1, data };
}
