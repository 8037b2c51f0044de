import { type ChildProcess, spawn } from 'node:child_process';
import { ServiceError } from '../errors.ts';

/** Most seconds of one run: a file of a few bytes can hold frames for hours. */
const maxSeconds = 20;

/** What a run reads: bytes on its standard input, nothing else. The cache lets it look back, as MP4 needs. */
export const inputArguments = (format: 'mov' | 'matroska') => [
  ...['-protocol_whitelist', 'cache,pipe'],
  ...['-f', format],
  ...['-i', 'cache:pipe:0'],
];

/**
 * Runs ffmpeg or ffprobe of PATH over `input` and hands over its output as it comes. It sees no environment (so no keys),
 * no shell and no file or address of a caller. Throws unsupported_media_type where the program is not there, and
 * invalid_request, with its own words, where it fails.
 */
export async function* runFfmpeg(
  program: 'ffmpeg' | 'ffprobe',
  options: readonly string[],
  input: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const child = spawn(program, options, {
    env: { PATH: process.env.PATH },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: maxSeconds * 1000,
    killSignal: 'SIGKILL',
  });
  const ended = waitForEnd(child, program);
  // A program that has seen enough closes its input.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-2000);
  });
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
    const { code, signal } = await ended;
    if (signal) throw new ServiceError('invalid_request', `the video cannot be decoded within ${maxSeconds} s`);
    if (code !== 0) throw new ServiceError('invalid_request', `the video cannot be decoded: ${lastWords(words)}`);
  } finally {
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
  const lines = words.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('[cache @'));
  return (lines.at(-1) ?? 'its data is damaged or cut off')
    .replace(/^\[[^\]]*\]\s*|cache:pipe:0:\s*/g, '')
    .slice(0, 200);
}
