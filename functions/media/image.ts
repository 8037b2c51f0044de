import { createRequire } from 'node:module';
import type sharp from 'sharp';
import type { Metadata, OutputInfo, Sharp } from 'sharp';
import { ServiceError } from '../errors.ts';
import { type ImageFormat, identifyFormat, imageFormats } from './identify-format.ts';
import { isWhole, readJpegHeader, withoutTransparency } from './image-structure.ts';
import { maxPixels, type Picture } from './picture.ts';
import type { Size } from './resize.ts';

/** Most bytes of a picture's file. */
const maxFileBytes = 32e6;
/** Most pixels of a side: the weights of a resize grow with it. */
const maxSide = 100_000;
/** Most seconds of decoding: a progressive JPEG of a few bytes can hold scans for minutes. */
const maxDecodeSeconds = 10;
/** The colour type "greyscale" and its place in a PNG's header (PNG specification, section 11.2.1). */
const pngColourTypeOffset = 25;
const pngColourTypeGrey = 0;

/** Pictures of more pixels must be plausible as a whole before they are decoded: refusing them then costs no memory. */
const trustedPixels = 12e6;
/** Most pixels of one byte of a larger picture's file; photos have about 5, drawings up to 100. */
const maxPixelsPerByte = 200;

export interface DecodeOptions {
  /** Turns the picture as its EXIF orientation says. */
  readonly exifTranspose?: boolean;
  /** Lets the decoder resize on its way: fast, and not equal to Pillow. Given: the size of the whole picture. */
  readonly resizeTo?: (
    picture: Size,
  ) => (Size & { readonly kernel: 'nearest' | 'linear' | 'cubic' | 'lanczos3' }) | undefined;
}

/** A picture with the size that it had in its file. */
export interface DecodedImage {
  readonly picture: Picture;
  readonly original: Size;
}

/**
 * The pixels of a JPEG, PNG, WebP or GIF (its first frame) as RGB: what Pillow's `Image.open(…).convert('RGB')` gives.
 * Alpha is dropped; colour profiles and the EXIF orientation are not applied. docs/preprocessing.md has the exceptions.
 * Throws unsupported_media_type for another format, payload_too_large, and invalid_request for a damaged file.
 */
export async function decodeImage(bytes: Uint8Array): Promise<Picture> {
  return (await decodeImageWith(bytes, {})).picture;
}

/** As decodeImage, with more ways. */
export async function decodeImageWith(bytes: Uint8Array, options: DecodeOptions): Promise<DecodedImage> {
  const format = checkFile(bytes);
  // sharp takes a third of a millisecond to say what a JPEG's frame header holds.
  const frame = format === 'JPEG' && !options.exifTranspose ? readJpegHeader(bytes) : undefined;
  const header: Header = frame ?? (await readHeader(bytes, format));
  checkHeader(header, bytes, format);
  const { space, depth } = header;
  const turned = options.exifTranspose && (header.orientation ?? 1) > 4;
  const original = turned ? { width: header.height, height: header.width } : pick(header);
  let input = openImage(format === 'GIF' ? withoutTransparency(bytes) : bytes, maxPixels);
  if (options.exifTranspose) input = input.autoOrient();
  const resized = options.resizeTo?.(original);
  if (resized) input = input.resize({ ...resized, fit: 'fill' });
  if (space === 'cmyk') {
    const raw = await readRaw(input.pipelineColourspace('cmyk').toColourspace('cmyk'), format);
    return { picture: cmykToRgb(raw), original };
  }
  if (format === 'PNG' && depth === 'ushort' && bytes[pngColourTypeOffset] === pngColourTypeGrey) {
    return { picture: grey16ToRgb(await readRaw(input.toColourspace('grey16'), format, 'ushort')), original };
  }
  const { data, info } = await readRaw(input.toColourspace('srgb').removeAlpha(), format);
  return { picture: { width: info.width, height: info.height, channels: 3, data }, original };
}

function pick({ width, height }: Size): Size {
  return { width, height };
}

/** A PNG (lossless) of a picture's pixels. */
export async function encodePng(picture: Picture): Promise<Uint8Array> {
  return encodeImage(picture, 'png');
}

/** A file of a picture's pixels; `quality`, from 1 to 100, is of the formats that lose some. */
export async function encodeImage(
  { width, height, channels, data }: Picture,
  format: 'png' | 'jpeg' | 'webp',
  quality = 90,
): Promise<Uint8Array> {
  const { buffer, byteOffset, byteLength } = data;
  const pixels = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  const image = loadSharp()(pixels, { raw: { width, height, channels } });
  return image
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .toFormat(format, format === 'png' ? { compressionLevel: 6 } : { quality })
    .toBuffer();
}

/** Throws payload_too_large or invalid_request by what the file's header and structure say, before pixels are decoded. */
function checkHeader({ width, height }: Size, bytes: Uint8Array, format: ImageFormat): void {
  if (width * height > maxPixels || Math.max(width, height) > maxSide) {
    throw new ServiceError(
      'payload_too_large',
      `the ${format} picture has ${width}×${height} pixels; at most ${maxPixels / 1e6} million are allowed, ${maxSide} a side`,
    );
  }
  if (width * height <= trustedPixels) return;
  if (width * height > bytes.length * maxPixelsPerByte) {
    throw new ServiceError(
      'payload_too_large',
      `the ${format} picture has ${width}×${height} pixels in ${bytes.length} bytes, as a decompression bomb has; ` +
        `above ${trustedPixels / 1e6} million pixels at most ${maxPixelsPerByte} a byte are allowed`,
    );
  }
  if (!isWhole(bytes, format)) {
    throw new ServiceError('invalid_request', `the ${format} picture cannot be decoded: it is cut off`);
  }
}

function checkFile(bytes: Uint8Array): ImageFormat {
  const allowed = `${imageFormats.slice(0, -1).join(', ')} or ${imageFormats.at(-1)}`;
  if (bytes.length === 0) throw new ServiceError('invalid_request', `the picture is empty; send a ${allowed} file`);
  if (bytes.length > maxFileBytes) {
    throw new ServiceError(
      'payload_too_large',
      `the picture has ${bytes.length} bytes; at most ${maxFileBytes} are allowed`,
    );
  }
  const found = identifyFormat(bytes);
  const format = imageFormats.find((name) => name === found);
  if (format) return format;
  const given = found ? `the file is ${found}` : 'the file begins like no known picture';
  throw new ServiceError('unsupported_media_type', `${given}; ${allowed} is needed`);
}

type Header = Size & Partial<Pick<Metadata, 'space' | 'depth' | 'orientation'>>;

/** Without the decoder's own limit, whose error does not say the size. */
async function readHeader(bytes: Uint8Array, format: ImageFormat): Promise<Header> {
  return openImage(bytes, false)
    .metadata()
    .catch((cause: unknown) => refuse(format, cause));
}

interface Raw {
  readonly data: Buffer;
  readonly info: OutputInfo;
}

async function readRaw(image: Sharp, format: ImageFormat, depth: 'uchar' | 'ushort' = 'uchar'): Promise<Raw> {
  return image
    .timeout({ seconds: maxDecodeSeconds })
    .raw({ depth })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => refuse(format, cause));
}

function refuse(format: ImageFormat, cause: unknown): never {
  const lines = cause instanceof Error ? cause.message.split('\n').filter((line) => line.trim() !== '') : [];
  const reason = lines.at(-1)?.trim().replace(/:$/, '').slice(0, 200);
  const known = reason && reason !== 'Unknown error' ? reason : 'its data is damaged or cut off';
  throw new ServiceError('invalid_request', `the ${format} picture cannot be decoded: ${known}`, { cause });
}

/** Pillow reads 16-bit grey as whole numbers and cuts them off at 255 (of other 16-bit samples it takes the high byte). */
function grey16ToRgb({ data, info }: Raw): Picture {
  const samples = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  const rgb = new Uint8ClampedArray(info.width * info.height * 3);
  for (let i = 0, p = 0; p < rgb.length; i += info.channels, p += 3) rgb.fill(samples[i]!, p, p + 3);
  return { width: info.width, height: info.height, channels: 3, data: rgb };
}

/** Pillow's `cmyk2rgb`: no colour profile, each ink times the light that black leaves, in 8-bit fixed point. */
function cmykToRgb({ data, info }: Raw): Picture {
  const rgb = new Uint8ClampedArray(info.width * info.height * 3);
  for (let i = 0, p = 0; p < rgb.length; i += 4, p += 3) {
    const light = 255 - data[i + 3]!;
    for (let c = 0; c < 3; c++) {
      const product = data[i + c]! * light + 128;
      rgb[p + c] = light - (((product >> 8) + product) >> 8);
    }
  }
  return { width: info.width, height: info.height, channels: 3, data: rgb };
}

let sharpModule: typeof sharp | undefined;

/** Loaded on first use (requests without a picture do not wait for it) and by `require`, which alone sees Lambda layers. */
function loadSharp(): typeof sharp {
  if (!sharpModule) {
    sharpModule = createRequire(import.meta.url)('sharp') as typeof sharp;
    sharpModule.cache(false);
    sharpModule.block({ operation: ['VipsForeignLoad'] });
    const loaders = ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp', 'VipsForeignLoadNsgif'];
    sharpModule.unblock({ operation: loaders });
  }
  return sharpModule;
}

function openImage(bytes: Uint8Array, limitInputPixels: number | false): Sharp {
  return loadSharp()(bytes, { failOn: 'error', limitInputPixels, ignoreIcc: true });
}
