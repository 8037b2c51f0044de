import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { ImageProcessor } from '../media/image-processor.ts';
import type { SeenImage } from '../media/read-image.ts';
import { fileInput } from './file-input.ts';

const sideForm = 'a whole number from 1 to 16384 is needed';
const side = z.int(sideForm).min(1, sideForm).max(16_384, sideForm);
const form = 'an object with pixels, width, height and preprocessing, as the model publishes them, is needed';

/** A picture that a client has prepared by the model's published preprocessing: levels instead of a file. */
export const pixelsInput = z.strictObject(
  {
    pixels: fileInput('the pixels'),
    width: side,
    height: side,
    /** The hash that `GET /models/{model}` told the client. */
    preprocessing: z.string(),
    /** The size of the picture that it was made of; without it places in the answer are places in `pixels`. */
    original: z.strictObject({ width: side, height: side }).optional(),
  },
  form,
);

/** The picture of a client. Throws invalid_request where it was prepared for another model, or is no such picture. */
export function readPixels(
  { pixels, width, height, preprocessing, original }: z.infer<typeof pixelsInput>,
  { channels, layOut }: ImageProcessor,
  { published }: { readonly published: { readonly sha256: string } },
): SeenImage {
  if (preprocessing !== published.sha256) {
    throw new ServiceError(
      'invalid_request',
      `inputs.preprocessing is not the model's ${published.sha256}: prepare the pixels anew as GET /models/{model} says`,
    );
  }
  const size = original ?? { width, height };
  const whole = { size: { width, height }, box: { left: 0, top: 0, width, height } };
  const layout = original ? layOut(original) : whole;
  if (layout.box.width !== width || layout.box.height !== height || pixels.length !== width * height * channels) {
    const needed = `${layout.box.width}×${layout.box.height} pixels of ${channels} bytes`;
    throw new ServiceError(
      'invalid_request',
      `inputs has ${pixels.length} bytes for ${width}×${height}; ${needed} are needed`,
    );
  }
  return { picture: { width, height, channels, data: pixels }, original: size, layout };
}
