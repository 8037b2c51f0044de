import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Architecture } from './packages.ts';

/** FFmpeg with what functions/media/ffmpeg.ts asks of it: MP4 and WebM in from a file, pixels out by a pipe. No GPL parts. */
export const ffmpegRecipe = {
  version: '5.1.9',
  sha256: 'd9b593bb2ba93d4b50f74177e0cdcd41747e708596367deed0c30348a71dd176',
  source: 'https://ffmpeg.org/releases/ffmpeg-5.1.9.tar.xz',
  options: [
    ...['everything', 'autodetect', 'doc', 'network', 'debug', 'ffplay', 'avdevice', 'gpl', 'nonfree', 'version3'].map(
      (part) => `--disable-${part}`,
    ),
    '--enable-protocol=pipe,file',
    '--enable-demuxer=mov,matroska',
    '--enable-decoder=h264,hevc,mpeg4,vp8,vp9',
    '--enable-parser=h264,hevc,mpeg4video,vp8,vp9',
    '--enable-bsf=vp9_superframe_split,extract_extradata',
    '--enable-filter=select,scale,format,null,copy',
    '--enable-encoder=rawvideo,wrapped_avframe',
    '--enable-muxer=rawvideo,null',
    // Whatever libc the machine has that builds it.
    '--extra-ldflags=-static',
  ],
} as const;

/** What `uname -m` says, and the prefix of the compiler on another kind of machine. */
const targets = {
  arm64: { arch: 'aarch64', crossPrefix: 'aarch64-linux-gnu-' },
  x64: { arch: 'x86_64', crossPrefix: 'x86_64-linux-gnu-' },
};

/**
 * Builds `bin/ffmpeg` and `bin/ffprobe`, with FFmpeg's licence, in a folder under `workFolder` and returns it; what was built
 * before is not built again. Needs make, tar, xz and a C compiler for `arch`.
 */
export async function buildFfmpeg(arch: Architecture, workFolder: string): Promise<string> {
  const { version, options } = ffmpegRecipe;
  const digest = createHash('sha256').update(JSON.stringify(ffmpegRecipe)).digest('hex').slice(0, 12);
  const built = join(workFolder, `ffmpeg-${version}-${arch}-${digest}`);
  if (existsSync(built)) return built;
  const target = targetOptions(arch);
  const folder = `${built}.${process.pid}`;
  mkdirSync(folder, { recursive: true });
  const archive = join(folder, 'source.tar.xz');
  writeFileSync(archive, await fetchSource());
  run('tar', ['-xJf', archive, '-C', folder, '--strip-components=1'], folder);
  run('./configure', [...options, ...target], folder);
  run('make', [`-j${availableParallelism()}`, 'ffmpeg', 'ffprobe'], folder);
  const result = join(folder, 'layer');
  mkdirSync(join(result, 'bin'), { recursive: true });
  for (const program of ['ffmpeg', 'ffprobe']) cpSync(join(folder, program), join(result, 'bin', program));
  mkdirSync(join(result, 'share', 'ffmpeg'), { recursive: true });
  cpSync(join(folder, 'COPYING.LGPLv2.1'), join(result, 'share', 'ffmpeg', 'COPYING.LGPLv2.1'));
  writeFileSync(join(result, 'share', 'ffmpeg', 'SOURCE'), `${ffmpegRecipe.source}\nconfigure ${options.join(' ')}\n`);
  // Only now under its name: a folder that is there is complete.
  renameSync(result, built);
  rmSync(folder, { recursive: true });
  return built;
}

function targetOptions(arch: Architecture): string[] {
  const { arch: name, crossPrefix } = targets[arch];
  const here = process.platform === 'linux' && process.arch === arch;
  const compiler = here ? 'cc' : `${crossPrefix}gcc`;
  const isThere = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
  for (const program of ['make', 'tar', 'xz', compiler]) {
    if (isThere(program)) continue;
    const advice = `on Debian: apt-get install make xz-utils ${here ? 'gcc libc6-dev' : 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross'}`;
    throw new Error(`the layer ffmpeg is built from source, and there is no ${program} in PATH; ${advice}`);
  }
  const assembler = arch === 'x64' && !isThere('nasm') ? ['--disable-x86asm'] : [];
  const cross = ['--enable-cross-compile', '--target-os=linux', `--arch=${name}`, `--cross-prefix=${crossPrefix}`];
  return [...assembler, ...(here ? [] : cross)];
}

/** FFmpeg's release, or where the network ends before it the same file, `FFMPEG_SOURCE`: Debian's source package holds it. */
async function fetchSource(): Promise<Uint8Array> {
  const { source, sha256 } = ffmpegRecipe;
  const from = process.env.FFMPEG_SOURCE ?? source;
  const bytes = await (from === source ? download(source) : readFile(from)).catch((error: Error) => {
    const advice = 'FFMPEG_SOURCE may name the same file on this machine';
    throw new Error(`FFmpeg's source could not be read from ${from}: ${error.message}; ${advice}`, { cause: error });
  });
  if (createHash('sha256').update(bytes).digest('hex') === sha256) return bytes;
  throw new Error(`${from} is not the file whose sha256 is ${sha256}`);
}

async function download(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function run(program: string, options: readonly string[], folder: string): void {
  const { status, stderr, error } = spawnSync(program, options, { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr.slice(-2000)}`);
}
