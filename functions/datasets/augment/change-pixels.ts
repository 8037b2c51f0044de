import type { Picture } from '../../media/picture.ts';
import type { PictureAugment } from './augment-schema.ts';
import { between, gaussian, type Random } from './random.ts';

type Colour = NonNullable<PictureAugment['colour']>;

/** Red, green and blue in grey. Source: ITU-R BT.601. */
const luma = [0.299, 0.587, 0.114] as const;

/**
 * Brightness, contrast, saturation and hue, one after the other, as one linear map of R, G and B. Of a grey picture saturation
 * and hue change nothing.
 */
export function changeColour(
  picture: Picture,
  { brightness, contrast, saturation, hue }: Colour,
  random: Random,
): Picture {
  const around = (by: number) => between(random, 1 - by, 1 + by);
  const [light, steep, rich] = [around(brightness), around(contrast), around(saturation)];
  const turn = between(random, -hue, hue) * 2 * Math.PI;
  const middle = meanOf(picture) * light;
  const offset = middle * (1 - steep);
  const data = new Uint8ClampedArray(picture.data.length);
  if (picture.channels === 1) {
    for (let p = 0; p < data.length; p++) data[p] = picture.data[p]! * light * steep + offset;
    return { ...picture, data };
  }
  const map = multiply(hueMatrix(turn), saturationMatrix(rich)).map((row) => row.map((value) => value * light * steep));
  // Rows of the turned matrix add up to 1: grey stays grey, and the offset moves through them unchanged.
  for (let p = 0; p < data.length; p += 3) {
    const [red, green, blue] = [picture.data[p]!, picture.data[p + 1]!, picture.data[p + 2]!];
    for (let c = 0; c < 3; c++) {
      const row = map[c]!;
      data[p + c] = row[0]! * red + row[1]! * green + row[2]! * blue + offset;
    }
  }
  return { ...picture, data };
}

type Matrix = readonly (readonly number[])[];

function saturationMatrix(rich: number): Matrix {
  return [0, 1, 2].map((to) => luma.map((weight, from) => weight * (1 - rich) + (from === to ? rich : 0)));
}

/** A turn of colour around grey, in the plane of the chrominances of YIQ. */
function hueMatrix(turn: number): Matrix {
  const toYiq: Matrix = [luma, [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]];
  const toRgb: Matrix = [
    [1, 0.9562957197589482, 0.6210244164652611],
    [1, -0.2721220993185104, -0.647380596825695],
    [1, -1.10698901673649, 1.704614998364648],
  ];
  const [sin, cos] = [Math.sin(turn), Math.cos(turn)];
  const turned: Matrix = [
    [1, 0, 0],
    [0, cos, -sin],
    [0, sin, cos],
  ];
  return multiply(toRgb, multiply(turned, toYiq));
}

function multiply(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => [0, 1, 2].map((column) => row.reduce((sum, value, k) => sum + value * b[k]![column]!, 0)));
}

function meanOf({ data, channels }: Picture): number {
  let sum = 0;
  if (channels === 1) for (const grey of data) sum += grey;
  else for (let p = 0; p < data.length; p++) sum += data[p]! * luma[p % 3]!;
  return sum / (data.length / channels);
}

/** Gaussian noise of this standard deviation in each channel. */
export function addNoise(picture: Picture, deviation: number, random: Random): Picture {
  const data = new Uint8ClampedArray(picture.data.length);
  for (let p = 0; p < data.length; p++) data[p] = picture.data[p]! + deviation * gaussian(random);
  return { ...picture, data };
}

/** A rectangle of one random colour over at most `most` of the area. */
export function erase(picture: Picture, most: number, random: Random): Picture {
  const { width, height, channels } = picture;
  const share = between(random, most / 4, most);
  const stretch = between(random, 0.5, 2);
  const across = Math.min(width, Math.max(1, Math.floor(Math.sqrt(share * stretch) * width)));
  const down = Math.min(height, Math.max(1, Math.floor(Math.sqrt(share / stretch) * height)));
  const [left, top] = [Math.floor(random() * (width - across + 1)), Math.floor(random() * (height - down + 1))];
  const colour = Array.from({ length: channels }, () => Math.floor(random() * 256));
  const data = Uint8ClampedArray.from(picture.data);
  for (let y = top; y < top + down; y++) {
    for (let x = left; x < left + across; x++) data.set(colour, (y * width + x) * channels);
  }
  return { ...picture, data };
}
