import type { ImageProcessor } from './image-processor.ts';
import type { Picture } from './picture.ts';
import type { Size } from './resize.ts';

/** `channels_first`: one plane per channel (NCHW). `channels_last`: the channels of a pixel side by side (NHWC). */
export type ChannelOrder = 'channels_first' | 'channels_last';

/**
 * Writes the numbers that the model wants for each level of each channel into `elements`, which holds zeros for
 * `canvas.width × canvas.height` pixels; the picture lies at its top left. Rescaling, normalisation and change of layout
 * are one look-up per value. `encode`: a number as the elements hold it.
 */
export function normalize(
  picture: Picture,
  processor: ImageProcessor,
  order: ChannelOrder,
  canvas: Size,
  elements: Float32Array | Float64Array | Uint16Array | Uint8Array,
  encode: (value: number) => number,
): void {
  const step = order === 'channels_first' ? 1 : picture.channels;
  processor.levels.forEach(({ source, values }, channel) => {
    const table = elements instanceof Float32Array ? values : Float64Array.from(values, encode);
    const start = order === 'channels_first' ? channel * canvas.width * canvas.height : channel;
    lookUp(picture, source, table, elements, start, step, canvas.width * step);
  });
}

/** One channel. Apart, since the loop in a function that is made anew for each picture is compiled anew, too. */
function lookUp(
  { width, height, channels, data }: Picture,
  source: number,
  table: Float32Array | Float64Array,
  elements: Float32Array | Float64Array | Uint16Array | Uint8Array,
  start: number,
  step: number,
  stride: number,
): void {
  for (let y = 0; y < height; y++) {
    let to = start + y * stride;
    let from = y * width * channels + source;
    for (let x = 0; x < width; x++, to += step, from += channels) elements[to] = table[data[from]!]!;
  }
}
