/** The formats of pictures that are decoded. */
export const imageFormats = ['JPEG', 'PNG', 'WebP', 'GIF'] as const;

export type ImageFormat = (typeof imageFormats)[number];

/** Bytes at an offset by which a file is known, in latin1. Formats beyond those above are known only to be named in errors. */
const signatures: readonly (readonly [name: string, offset: number, bytes: string])[] = [
  ['JPEG', 0, '\xff\xd8\xff'],
  ['PNG', 0, '\x89PNG\r\n\x1a\n'],
  ['WebP', 8, 'WEBPVP8'],
  ['GIF', 0, 'GIF87a'],
  ['GIF', 0, 'GIF89a'],
  ['TIFF', 0, 'II*\0'],
  ['TIFF', 0, 'MM\0*'],
  ['BMP', 0, 'BM'],
  ['AVIF', 4, 'ftypavi'],
  ['HEIF', 4, 'ftyphe'],
  ['HEIF', 4, 'ftypmif1'],
  ['MP4', 4, 'ftyp'],
  ['JPEG XL', 0, '\xff\x0a'],
  ['JPEG XL', 4, 'JXL '],
  ['JPEG 2000', 0, '\xff\x4f\xff\x51'],
  ['JPEG 2000', 4, 'jP  '],
  ['PDF', 0, '%PDF-'],
  ['ZIP', 0, 'PK\x03\x04'],
  ['gzip', 0, '\x1f\x8b'],
  ['WAV', 8, 'WAVE'],
  ['Ogg', 0, 'OggS'],
  ['FLAC', 0, 'fLaC'],
  ['MP3', 0, 'ID3'],
  ['MP3', 0, '\xff\xfb'],
  ['MP3', 0, '\xff\xfa'],
  ['MP3', 0, '\xff\xf3'],
  ['MP3', 0, '\xff\xf2'],
  ['MP3', 0, '\xff\xe3'],
  ['MP3', 0, '\xff\xe2'],
  ['AAC', 0, '\xff\xf1'],
  ['AAC', 0, '\xff\xf9'],
  ['WebM or Matroska', 0, '\x1aE\xdf\xa3'],
  ['NumPy', 0, '\x93NUMPY'],
];

const textFormats: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['SVG or other XML', /^(?:\xef\xbb\xbf)?\s*<(?:svg|\?xml|!doctype svg)/i],
  ['HTML', /^\s*<(?:!doctype )?html/i],
  ['JSON', /^\s*(?:\{\s*["}]|\[\s*[[{"\d])/],
];

/** The format that a file's first bytes announce, whatever its name or content type says; undefined: none that is known. */
export function identifyFormat(bytes: Uint8Array): string | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 64));
  const binary = signatures.find(([, offset, signature]) => start.startsWith(signature, offset));
  return (binary ?? textFormats.find(([, pattern]) => pattern.test(start)))?.[0];
}
