import { createHash } from 'node:crypto';
import { ServiceError } from '../../errors.ts';
import { decodeSound } from '../../media/audio.ts';
import { encodeWav } from '../../media/encode-wav.ts';
import { identifyFormat } from '../../media/identify-format.ts';
import { decodeImage } from '../../media/image.ts';
import { readVideoHeader } from '../../media/video.ts';
import { type Bits64, differenceHash } from '../clean/perceptual-hash.ts';
import type { DatasetDefinition } from '../dataset-definition.ts';
import { Dropped } from '../read/unit.ts';
import { encodePicture, type MovePoint, transformPicture } from '../transform/transform-picture.ts';

/** What a look at a record's inputs gives. */
export interface Inspected<Inputs> {
  readonly inputs: Inputs;
  /** SHA-256 of the content, in hex: of what a model would see, not of how a file holds it. */
  readonly digest: string;
  readonly measures: Readonly<Record<string, number>>;
  readonly look?: Bits64;
  /** Where points of the picture went, and its size now. */
  readonly moved?: { readonly move: MovePoint; readonly width: number; readonly height: number };
}

type InspectFile = (bytes: Uint8Array, definition: DatasetDefinition) => Promise<Inspected<Uint8Array>>;

/** Looks at a file of a kind, and transforms it. Throws Dropped where it cannot be decoded. */
export const inspectFile: Readonly<Record<'picture' | 'sound' | 'video' | 'file', InspectFile>> = {
  picture: decoded(inspectPicture),
  sound: decoded(inspectSound),
  video: decoded(inspectVideo),
  file: async (bytes) => ({ inputs: bytes, digest: digestOf(bytes), measures: { bytes: bytes.length } }),
};

async function inspectPicture(
  bytes: Uint8Array,
  { transform, clean }: DatasetDefinition,
): Promise<Inspected<Uint8Array>> {
  const picture = await decodeImage(bytes);
  const { width, height } = picture;
  const options = transform.picture;
  const changed = options && transformPicture(picture, options);
  return {
    inputs: changed ? await encodePicture(changed.picture, options) : bytes,
    digest: digestOf(`${width}x${height}\n`, picture.data),
    measures: { width, height, bytes: bytes.length },
    ...(clean.nearDuplicates && { look: differenceHash(picture) }),
    ...(changed && { moved: { move: changed.move, width: changed.picture.width, height: changed.picture.height } }),
  };
}

async function inspectSound(bytes: Uint8Array, { transform }: DatasetDefinition): Promise<Inspected<Uint8Array>> {
  const sound = await decodeSound(bytes, {});
  const { sampleRateHz, channels } = sound;
  const seconds = channels[0]!.length / sampleRateHz;
  const samples = channels.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
  const options = transform.sound;
  return {
    inputs: options ? encodeWav(await decodeSound(bytes, options)) : bytes,
    digest: digestOf(`${sampleRateHz}\n`, ...samples),
    measures: { seconds, bytes: bytes.length },
  };
}

/** Where no ffmpeg is in PATH, a video is known by its first bytes alone. */
async function inspectVideo(bytes: Uint8Array): Promise<Inspected<Uint8Array>> {
  const found = { inputs: bytes, digest: digestOf(bytes) };
  const format = identifyFormat(bytes);
  try {
    const { width, height, frames, framesPerSecond } = await readVideoHeader(bytes);
    const measures = { width, height, bytes: bytes.length };
    if (framesPerSecond === 0) return { ...found, measures };
    return { ...found, measures: { ...measures, seconds: frames / framesPerSecond } };
  } catch (error) {
    const isKnown = format === 'MP4' || format === 'WebM or Matroska';
    const withoutProgram = error instanceof ServiceError && error.code === 'unsupported_media_type' && isKnown;
    if (withoutProgram) return { ...found, measures: { bytes: bytes.length } };
    throw error;
  }
}

/** What a decoder refuses is the file's fault; an empty file is told from a damaged one. */
function decoded(inspect: InspectFile): InspectFile {
  return async (bytes, definition) => {
    if (bytes.length === 0) throw new Dropped('empty', 'the file is empty');
    try {
      return await inspect(bytes, definition);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const reason = error.code === 'payload_too_large' ? 'too-large' : 'undecodable';
      throw new Dropped(reason, error.message, error);
    }
  };
}

export function digestOf(...parts: (string | Uint8Array | Uint8ClampedArray)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
