import { parseImageProcessor, processImage } from './image-processor.ts';
import type { Size } from './resize.ts';

/** How a model's pictures are prepared, as `GET /models/{model}` tells it. */
export interface PublishedPreprocessing {
  /** SHA-256 of what follows and of the rules that it is read by. */
  readonly sha256: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Height and width of the graph's input, where it fixes them. */
  readonly input_size?: Size;
}

/** `inputs` of a picture that a client has prepared itself. */
export interface ClientPixels extends Size {
  /** Base64 of height × width × channels levels, one byte each, channels side by side. */
  readonly pixels: string;
  readonly preprocessing: string;
  readonly original: Size;
}

/**
 * Prepares a picture where it is, in a browser: what the model sees of it takes the place of its file. `rgba`: 4 bytes a
 * pixel, row by row, as canvas' ImageData has them. Equal to what the server makes of the same pixels.
 */
export function toClientPixels(
  image: Size & { readonly data: ArrayLike<number> },
  { sha256, config, input_size }: PublishedPreprocessing,
): ClientPixels {
  const { width, height, data: rgba } = image;
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0, p = 0; p < rgb.length; i += 4, p += 3) {
    rgb[p] = rgba[i]!;
    rgb[p + 1] = rgba[i + 1]!;
    rgb[p + 2] = rgba[i + 2]!;
  }
  const seen = processImage({ width, height, channels: 3, data: rgb }, parseImageProcessor(config, input_size));
  const pixels = btoa(Array.from(seen.data, (level) => String.fromCharCode(level)).join(''));
  return { pixels, width: seen.width, height: seen.height, preprocessing: sha256, original: { width, height } };
}
