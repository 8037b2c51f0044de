import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceError } from '../errors.ts';

/** Most seconds of one run: a file of a few bytes can hold frames for hours. */
const maxSeconds = 20;

/** The containers that are read, by the names that people and FFmpeg have for them. */
const videoFormats = { MP4: 'mov', WebM: 'matroska' } as const;

export type VideoFormat = keyof typeof videoFormats;

/**
 * Runs ffmpeg or ffprobe of PATH over a video and hands over its output as it comes. The video lies in a temporary file:
 * an MP4 is read from its end, too, and what FFmpeg keeps of a pipe for that (its protocol `cache`) loses its place. It
 * sees no environment (so no keys), no shell, no address, no file that the video names, and no name that a caller gave.
 * Throws unsupported_media_type where the program is not there, and invalid_request, with its own words, where it fails.
 */
export async function* runFfmpeg(
  program: 'ffmpeg' | 'ffprobe',
  { before, after = [] }: { readonly before: readonly string[]; readonly after?: readonly string[] },
  format: VideoFormat,
  video: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'video-'));
  try {
    await writeFile(join(folder, inputName), video);
    yield* run(program, ['-v', 'error', ...before, ...inputArguments(format), ...after], format, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const inputName = 'video';

const inputArguments = (format: VideoFormat) => [
  ...['-protocol_whitelist', 'file'],
  ...['-f', videoFormats[format], ...(format === 'MP4' ? ['-enable_drefs', '0'] : [])],
  ...['-i', `file:${inputName}`],
];

async function* run(
  program: string,
  options: readonly string[],
  format: VideoFormat,
  folder: string,
): AsyncGenerator<Uint8Array> {
  const child = spawn(program, options, {
    cwd: folder,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), maxSeconds * 1000);
  const ended = waitForEnd(child, program);
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-2000);
  });
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
    const { code, signal } = await ended;
    if (signal)
      throw new ServiceError('invalid_request', `the ${format} video cannot be decoded within ${maxSeconds} s`);
    if (code !== 0) {
      const reason = `it is damaged, cut off or encrypted. FFmpeg says: ${lastWords(words)}`;
      throw new ServiceError('invalid_request', `the ${format} video cannot be decoded; ${reason}`);
    }
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
    await ended.catch(() => {});
  }
}

function waitForEnd(child: ChildProcess, program: string) {
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const message = `no video can be read here: ${program} is not in PATH`;
      reject(cause.code === 'ENOENT' ? new ServiceError('unsupported_media_type', message, { cause }) : cause);
    });
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  // Looked at when the output has ended.
  ended.catch(() => {});
  return ended;
}

function lastWords(words: string): string {
  const lines = words.split('\n').filter((line) => line.trim() !== '');
  return (lines.at(-1) ?? 'nothing').replace(/^(?:\[[^\]]*\]|file:\w+:)\s*/, '').slice(0, 200);
}
