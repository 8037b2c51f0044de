import type { Picture } from '../../media/picture.ts';
import { resampleFilters } from '../../media/resample-weights.ts';
import { crop, resize } from '../../media/resize.ts';
import type { MovedPicture, MovePoint } from '../transform/transform-picture.ts';
import type { PictureAugment } from './augment-schema.ts';
import { addNoise, changeColour, erase } from './change-pixels.ts';
import { between, type Random } from './random.ts';

/** A changed copy of a picture, in its size, in this order: flip, rotate, crop, colour, noise, erase. */
export function augmentPicture(picture: Picture, options: PictureAugment, random: Random): MovedPicture {
  const steps: ((picture: Picture) => MovedPicture)[] = [];
  const { flip: axis, rotate: degrees = 0, crop: least = 1 } = options;
  if (axis) steps.push((given) => flip(given, axis, random));
  if (degrees > 0) steps.push((given) => rotate(given, between(random, -degrees, degrees)));
  if (least < 1) steps.push((given) => cutOut(given, least, random));
  let moved: MovedPicture = { picture, move: (x, y) => [x, y] };
  for (const step of steps) {
    const next = step(moved.picture);
    const before = moved.move;
    moved = { picture: next.picture, move: (x, y) => next.move(...before(x, y)) };
  }
  return { ...moved, picture: changePixels(moved.picture, options, random) };
}

function changePixels(picture: Picture, options: PictureAugment, random: Random): Picture {
  let changed = picture;
  if (options.colour) changed = changeColour(changed, options.colour, random);
  if (options.noise) changed = addNoise(changed, between(random, 0, options.noise), random);
  if (options.erase) changed = erase(changed, options.erase, random);
  return changed;
}

function flip(picture: Picture, axis: 'horizontal' | 'vertical' | 'both', random: Random): MovedPicture {
  const [across, down] = [axis !== 'vertical' && random() < 0.5, axis !== 'horizontal' && random() < 0.5];
  const { width, height, channels, data: from } = picture;
  const data = new Uint8ClampedArray(from.length);
  for (let y = 0, t = 0; y < height; y++) {
    const row = (down ? height - 1 - y : y) * width;
    for (let x = 0; x < width; x++) {
      const p = (row + (across ? width - 1 - x : x)) * channels;
      for (let c = 0; c < channels; c++) data[t++] = from[p + c]!;
    }
  }
  const move: MovePoint = (x, y) => [across ? width - x : x, down ? height - y : y];
  return { picture: { width, height, channels, data }, move };
}

/** Around the middle; between pixels bilinear, beyond the border its nearest pixel. */
function rotate(picture: Picture, degrees: number): MovedPicture {
  const { width, height, channels } = picture;
  const [sin, cos] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
  const [middleX, middleY] = [width / 2, height / 2];
  const data = new Uint8ClampedArray(picture.data.length);
  for (let y = 0, t = 0; y < height; y++) {
    for (let x = 0; x < width; x++, t += channels) {
      const [dx, dy] = [x + 0.5 - middleX, y + 0.5 - middleY];
      sample(picture, middleX + cos * dx + sin * dy - 0.5, middleY - sin * dx + cos * dy - 0.5, data, t);
    }
  }
  const move: MovePoint = (x, y) => {
    const [dx, dy] = [x - middleX, y - middleY];
    return [middleX + cos * dx - sin * dy, middleY + sin * dx + cos * dy];
  };
  return { picture: { width, height, channels, data }, move };
}

function sample({ width, height, channels, data }: Picture, x: number, y: number, to: Uint8ClampedArray, at: number) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [shareX, shareY] = [x - left, y - top];
  const column = (value: number) => Math.min(width - 1, Math.max(0, value)) * channels;
  const row = (value: number) => Math.min(height - 1, Math.max(0, value)) * width * channels;
  const [x0, x1, y0, y1] = [column(left), column(left + 1), row(top), row(top + 1)];
  for (let c = 0; c < channels; c++) {
    const upper = data[y0 + x0 + c]! * (1 - shareX) + data[y0 + x1 + c]! * shareX;
    const lower = data[y1 + x0 + c]! * (1 - shareX) + data[y1 + x1 + c]! * shareX;
    to[at + c] = upper * (1 - shareY) + lower * shareY;
  }
}

/** A random part with the picture's proportions, made as large as the whole. */
function cutOut(picture: Picture, least: number, random: Random): MovedPicture {
  const { width, height } = picture;
  const share = between(random, least, 1);
  const part = { width: Math.max(1, Math.round(width * share)), height: Math.max(1, Math.round(height * share)) };
  const left = Math.floor(random() * (width - part.width + 1));
  const top = Math.floor(random() * (height - part.height + 1));
  const cut = crop(picture, { left, top, ...part });
  const [byX, byY] = [width / part.width, height / part.height];
  return {
    picture: resize(cut, { width, height }, resampleFilters.bilinear),
    move: (x, y) => [(x - left) * byX, (y - top) * byY],
  };
}
