import { type DecodeOptions, decodeImageWith } from './image.ts';
import type { Layout } from './image-layout.ts';
import { type ImageProcessor, processImage } from './image-processor.ts';
import { maxPixels, type Picture } from './picture.ts';
import { type Resample, resampleFilters } from './resample-weights.ts';
import type { Size } from './resize.ts';

/** What a model sees of a picture, still in levels of 0 to 255, and where that lies in the picture. */
export interface SeenImage {
  readonly picture: Picture;
  /** Of the whole picture, after its orientation. */
  readonly original: Size;
  readonly layout: Layout;
}

/** sharp's filter for each of ours; box and hamming have no twin. */
const kernels: Record<Resample | 'opencv', 'nearest' | 'linear' | 'cubic' | 'lanczos3'> = {
  opencv: 'linear',
  [resampleFilters.nearest]: 'nearest',
  [resampleFilters.lanczos]: 'lanczos3',
  [resampleFilters.bilinear]: 'linear',
  [resampleFilters.bicubic]: 'cubic',
  [resampleFilters.box]: 'linear',
  [resampleFilters.hamming]: 'linear',
};

/** A picture's file → what the model sees. Throws what decodeImage and processImage throw. */
export async function readImage(bytes: Uint8Array, processor: ImageProcessor): Promise<SeenImage> {
  const { picture, original } = await decodeImageWith(bytes, decodeOptions(processor));
  return { picture: processImage(picture, processor, original), original, layout: processor.layOut(original) };
}

function decodeOptions({ exifTranspose, fast, layOut, resample }: ImageProcessor): DecodeOptions {
  const resizeTo = (original: Size) => {
    const { width, height } = layOut(original).size;
    // The whole picture is resized: beyond these sizes the exact way, which makes only what is seen, is the cheap one.
    const possible = width >= 1 && height >= 1 && width * height <= maxPixels;
    return possible ? { width, height, kernel: kernels[resample] } : undefined;
  };
  return { exifTranspose, ...(fast && { resizeTo }) };
}
