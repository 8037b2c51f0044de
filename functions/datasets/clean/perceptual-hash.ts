import { type Picture, toGrey } from '../../media/picture.ts';
import { resampleFilters } from '../../media/resample-weights.ts';
import { resize } from '../../media/resize.ts';

/** 64 bits as two numbers of 32. */
export interface Bits64 {
  readonly high: number;
  readonly low: number;
}

/**
 * dHash: in a grey picture of 9 × 8 pixels, whether each is darker than its right neighbour. Pictures that look alike (resized,
 * compressed again, a little brighter) differ in few bits. Source: Neal Krawetz, "Kind of Like That", 2013.
 */
export function differenceHash(picture: Picture): Bits64 {
  const { data } = resize(toGrey(picture), { width: 9, height: 8 }, resampleFilters.bilinear);
  const halves = [0, 0];
  for (let bit = 0; bit < 64; bit++) {
    const at = Math.floor(bit / 8) * 9 + (bit % 8);
    if (data[at]! < data[at + 1]!) halves[bit >> 5] = halves[bit >> 5]! | (1 << (bit & 31));
  }
  return { high: halves[0]! >>> 0, low: halves[1]! >>> 0 };
}
