/** Decoded pixels: 8 bits per channel, row-major, channels interleaved (R G B, or grey alone). */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A rectangle in whole pixels; may begin before 0 or end beyond the picture where that is said. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Most pixels of a picture, as it arrives and at every step of its way to the model. */
export const maxPixels = 50e6;

/**
 * RGB → grey by ITU-R 601-2, as Pillow's `convert('L')` computes it: 16-bit fixed point, rounded.
 * A grey picture that was decoded to RGB comes back unchanged, since the three weights add up to 65536.
 */
export function toGrey(picture: Picture): Picture {
  if (picture.channels === 1) return picture;
  const pixels = picture.data;
  const grey = new Uint8Array(picture.width * picture.height);
  for (let i = 0, p = 0; i < grey.length; i++, p += 3) {
    grey[i] = (pixels[p]! * 19595 + pixels[p + 1]! * 38470 + pixels[p + 2]! * 7471 + 0x8000) >> 16;
  }
  return { ...picture, channels: 1, data: grey };
}
