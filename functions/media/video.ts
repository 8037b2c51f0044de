import { ServiceError } from '../errors.ts';
import { runFfmpeg, type VideoFormat } from './ffmpeg.ts';
import { identifyFormat } from './identify-format.ts';
import type { Picture } from './picture.ts';
import type { Size } from './resize.ts';

const maxFileBytes = 32e6;
/** A frame of 4K. */
const maxFramePixels = 3840 * 2160;
const maxSeconds = 600;
const maxFrames = 36_000;

/** What a video's headers and packets say, before a frame is decoded. */
export interface VideoHeader extends Size {
  readonly frames: number;
  readonly framesPerSecond: number;
}

const formats: Readonly<Record<string, VideoFormat>> = { MP4: 'MP4', 'WebM or Matroska': 'WebM' };

/**
 * Reads what an MP4 (also MOV) or WebM file holds. Throws unsupported_media_type for another format or without ffprobe,
 * payload_too_large, and invalid_request for a damaged file.
 */
export async function readVideoHeader(bytes: Uint8Array): Promise<VideoHeader> {
  const headers = await probe(bytes, ['-nofind_stream_info']);
  // MPEG-4 Part 2 says its size in its packets alone. FFmpeg decodes a frame to look there.
  const { streams, format } = headers.streams?.[0]?.width === 0 ? await probe(bytes, []) : headers;
  const stream = streams?.[0];
  if (!stream?.width || !stream.height)
    throw new ServiceError('invalid_request', `the ${formatOf(bytes)} file holds no video`);
  const [dividend = 0, divisor = 0] = (stream.avg_frame_rate ?? '').split('/').map(Number);
  const frames = Number(stream.nb_read_packets ?? 0);
  const seconds = Number(format?.duration ?? 0) || 0;
  if (frames < 1) throw new ServiceError('invalid_request', `the ${formatOf(bytes)} video has no frames`);
  if (stream.width * stream.height > maxFramePixels || seconds > maxSeconds || frames > maxFrames) {
    const given = `${stream.width}×${stream.height} pixels, ${Math.round(seconds)} s and ${frames} frames`;
    const allowed = `${maxFramePixels} pixels a frame, ${maxSeconds} s and ${maxFrames} frames`;
    throw new ServiceError(
      'payload_too_large',
      `the ${formatOf(bytes)} video has ${given}; at most ${allowed} are allowed`,
    );
  }
  return { width: stream.width, height: stream.height, frames, framesPerSecond: divisor > 0 ? dividend / divisor : 0 };
}

async function probe(bytes: Uint8Array, options: readonly string[]): Promise<ProbeAnswer> {
  const entries = 'stream=width,height,nb_read_packets,avg_frame_rate:format=duration';
  const shown = ['-select_streams', 'v:0', '-count_packets', '-of', 'json', '-show_entries', entries];
  const parts: Uint8Array[] = [];
  for await (const part of runFfmpeg('ffprobe', { before: [...options, ...shown] }, formatOf(bytes), bytes))
    parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString()) as ProbeAnswer;
}

interface ProbeAnswer {
  readonly streams?: readonly {
    readonly width?: number;
    readonly height?: number;
    readonly nb_read_packets?: string;
    readonly avg_frame_rate?: string;
  }[];
  readonly format?: { readonly duration?: string };
}

/** The frames with these numbers (from 0, ascending, each once) as RGB, one at a time; not rotated, as with PyAV. */
export async function* decodeFrames(
  bytes: Uint8Array,
  { width, height }: Size,
  numbers: readonly number[],
): AsyncGenerator<Picture> {
  const wanted = numbers.map((number) => `eq(n,${number})`).join('+');
  const before = ['-threads', '1', '-noautorotate'];
  const after = [
    ...['-map', '0:v:0', '-vf', `select='${wanted}'`, '-fps_mode', 'passthrough', '-frames:v', String(numbers.length)],
    ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, 'pipe:1'],
  ];
  const format = formatOf(bytes);
  const frameBytes = width * height * 3;
  let data = new Uint8Array(frameBytes);
  let filled = 0;
  let made = 0;
  for await (const part of runFfmpeg('ffmpeg', { before, after }, format, bytes)) {
    for (let from = 0; from < part.length; ) {
      const piece = part.subarray(from, from + frameBytes - filled);
      data.set(piece, filled);
      from += piece.length;
      filled += piece.length;
      if (filled < frameBytes) continue;
      yield { width, height, channels: 3, data };
      made++;
      data = new Uint8Array(frameBytes);
      filled = 0;
    }
  }
  if (made < numbers.length) {
    throw new ServiceError(
      'invalid_request',
      `the ${format} video is cut off: of ${numbers.length} frames only ${made} can be decoded`,
    );
  }
}

function formatOf(bytes: Uint8Array): VideoFormat {
  if (bytes.length === 0) throw new ServiceError('invalid_request', 'the video is empty; send an MP4 or WebM file');
  if (bytes.length > maxFileBytes) {
    const given = `the video has ${bytes.length} bytes`;
    throw new ServiceError('payload_too_large', `${given}; at most ${maxFileBytes} are allowed`);
  }
  const found = identifyFormat(bytes);
  const format = formats[found ?? ''];
  if (format) return format;
  const given = found ? `the file is ${found}` : 'the file begins like no known video';
  throw new ServiceError('unsupported_media_type', `${given}; MP4 or WebM is needed`);
}
