import { MPEGDecoder } from 'mpg123-decoder';
import { type AudioStream, refuseAudio } from './audio-stream.ts';

/** Layer III bit rates in kbit/s by index, for MPEG 1 and for MPEG 2 and 2.5 (ISO 11172-3, 13818-3). */
const bitRates = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const;
const sampleRatesHz = [44_100, 48_000, 32_000] as const;
/** Bytes that are passed to the decoder at once. */
const pieceBytes = 16_384;
/** Most bytes that are neither a frame nor the ID3v2 tag at the beginning. */
const maxJunkBytes = 2e6;

interface Frame {
  readonly bytes: number;
  readonly samples: number;
  readonly sampleRateHz: number;
  readonly channels: number;
}

interface Frames {
  readonly first: Frame;
  readonly count: number;
  /** Runs of frames without a gap: what lies between them (tags, cover pictures, damage) is not sound. */
  readonly runs: readonly { readonly start: number; readonly end: number }[];
}

/** Opens an MP3 file. All frame headers are walked first: the length is known before anything is decoded. */
export function openMp3(bytes: Uint8Array): AudioStream {
  const { first, count, runs } = walkFrames(bytes);
  return {
    sampleRateHz: first.sampleRateHz,
    channels: first.channels,
    samples: count * first.samples,
    async *pieces() {
      const decoder = new MPEGDecoder();
      await decoder.ready;
      try {
        for (const { start, end } of runs) {
          for (let position = start; position < end; position += pieceBytes) {
            const piece = bytes.subarray(position, Math.min(position + pieceBytes, end));
            const { channelData, errors } = decoder.decode(piece);
            if (errors[0]) throw refuseAudio('MP3', errors[0].message);
            // The decoder gives a mono sound on two channels.
            if (channelData[0]?.length) yield channelData.slice(0, first.channels);
          }
        }
      } finally {
        decoder.free();
      }
    },
  };
}

function walkFrames(bytes: Uint8Array): Frames {
  const runs: { start: number; end: number }[] = [];
  let first: Frame | undefined;
  let count = 0;
  let junk = 0;
  let position = id3Bytes(bytes);
  if (position >= bytes.length) throw refuseAudio('MP3', 'it is cut off within its ID3 tag');
  while (position + 4 <= bytes.length) {
    const frame = readFrame(bytes, position);
    const last = runs.at(-1);
    const contiguous = last?.end === position;
    if (!frame || (first && !alike(frame, first)) || !(contiguous || followed(bytes, position, frame))) {
      const next = bytes.indexOf(0xff, position + 1);
      junk += (next < 0 ? bytes.length : next) - position;
      if (next < 0 || junk > maxJunkBytes) break;
      position = next;
      continue;
    }
    if (position + frame.bytes > bytes.length) throw refuseAudio('MP3', `it is cut off within its frame ${count + 1}`);
    first ??= frame;
    count++;
    if (last && contiguous) last.end += frame.bytes;
    else runs.push({ start: position, end: position + frame.bytes });
    position += frame.bytes;
  }
  if (first && junk > maxJunkBytes)
    throw refuseAudio('MP3', `more than ${maxJunkBytes} bytes in it are no MPEG frames`);
  if (!first) throw refuseAudio('MP3', 'it has no two MPEG frames in a row');
  const announced = readAnnouncedFrames(bytes.subarray(runs[0]!.start, runs[0]!.start + first.bytes), first);
  if (count - 1 < announced) throw refuseAudio('MP3', `it is cut off: ${count - 1} of ${announced} frames are there`);
  return { first, count, runs };
}

/** The number of frames that the encoder wrote into a first frame of its own, marked `Xing` or `Info`; 0: none. */
function readAnnouncedFrames(frame: Uint8Array, { samples, channels }: Frame): number {
  const sideBytes = samples === 1152 ? (channels === 1 ? 17 : 32) : channels === 1 ? 9 : 17;
  const tag = frame.subarray(4 + sideBytes, 4 + sideBytes + 12);
  if (!/^(?:Xing|Info)/.test(String.fromCharCode(...tag)) || tag.length < 12 || !(tag[7]! & 1)) return 0;
  return new DataView(tag.buffer, tag.byteOffset).getUint32(8);
}

/** Two headers where they belong: a chance pattern is no frame. */
function followed(bytes: Uint8Array, position: number, frame: Frame): boolean {
  const next = readFrame(bytes, position + frame.bytes);
  return next !== undefined && alike(next, frame);
}

function alike(a: Frame, b: Frame): boolean {
  return a.sampleRateHz === b.sampleRateHz && a.samples === b.samples;
}

/** The Layer III frame whose header is at `position`; undefined: none, or one of no fixed bit rate. */
function readFrame(bytes: Uint8Array, position: number): Frame | undefined {
  if (bytes[position] !== 0xff || position + 4 > bytes.length) return undefined;
  const kind = bytes[position + 1]!;
  const rates = bytes[position + 2]!;
  const mode = bytes[position + 3]!;
  const version = (kind >> 3) & 3;
  const layer3 = kind >= 0xe0 && version !== 1 && ((kind >> 1) & 3) === 1;
  const baseRateHz = sampleRatesHz[(rates >> 2) & 3];
  const mpeg1 = version === 3;
  const bitRate = bitRates[mpeg1 ? 0 : 1][rates >> 4];
  if (!layer3 || !bitRate || !baseRateHz) return undefined;
  const sampleRateHz = baseRateHz / (mpeg1 ? 1 : version === 2 ? 2 : 4);
  const samples = mpeg1 ? 1152 : 576;
  const padding = (rates >> 1) & 1;
  return {
    bytes: Math.floor((samples / 8) * ((bitRate * 1000) / sampleRateHz)) + padding,
    samples,
    sampleRateHz,
    channels: mode >> 6 === 3 ? 1 : 2,
  };
}

/** The length of an ID3v2 tag at the beginning: 10 bytes and a size of four times 7 bits. */
function id3Bytes(bytes: Uint8Array): number {
  if (bytes[0] !== 0x49 || bytes[1] !== 0x44 || bytes[2] !== 0x33 || bytes.length < 10) return 0;
  const size = bytes.subarray(6, 10).reduce((sum, byte) => sum * 128 + (byte & 0x7f), 0);
  return 10 + size + (bytes[5]! & 0x10 ? 10 : 0);
}
