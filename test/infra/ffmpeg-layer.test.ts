import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { folderBytes } from '../../layers/build.ts';

const layer = fileURLToPath(new URL('../../dist/layers/ffmpeg', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ffmpeg-layer-'));
after(() => rmSync(folder, { recursive: true }));
/** The layer is for arm64. */
const emulator = process.arch === 'arm64' ? [] : ['qemu-aarch64-static'];
const isThere = (program: string) => spawnSync(program, ['-version'], { stdio: 'ignore' }).error === undefined;

function run(program: string, options: readonly string[]): Buffer {
  const [command, ...rest] = [...emulator, `${layer}/bin/${program}`, ...options];
  return execFileSync(command!, rest, { stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 28 });
}

const reason = existsSync(layer)
  ? emulator.every(isThere) || 'needs qemu-aarch64-static on this machine'
  : 'needs `npm run layers ffmpeg`';

test('the ffmpeg layer is LGPL, small, and holds two programs', { skip: reason === true ? false : reason }, () => {
  assert.match(run('ffmpeg', ['-L']).toString(), /GNU Lesser General Public\s+License[\s\S]*version 2\.1/);
  assert.doesNotMatch(run('ffmpeg', ['-buildconf']).toString(), /--enable-(gpl|nonfree|version3)/);
  assert.deepEqual(readdirSync(`${layer}/bin`), ['ffmpeg', 'ffprobe']);
  assert.ok(folderBytes(layer) < 15e6);
});

/** Debian's has encoders. */
const host = 'ffmpeg';
const encoders = isThere(host) || 'needs ffmpeg in PATH to encode videos';
const codecs = { libx264: 'mov', libx265: 'mov', 'libvpx-vp9': 'matroska', libvpx: 'matroska' };

for (const [codec, format] of Object.entries(codecs)) {
  test(`it reads what ${codec} has written, as the ffmpeg of PATH does`, {
    skip: reason === true ? (encoders === true ? false : encoders) : reason,
  }, () => {
    const source = ['-f', 'lavfi', '-i', 'testsrc=size=64x48:rate=10:duration=1'];
    const container = format === 'mov' ? ['-movflags', 'frag_keyframe+empty_moov', '-f', 'mp4'] : ['-f', 'webm'];
    const video = execFileSync(
      host,
      ['-v', 'error', ...source, '-pix_fmt', 'yuv420p', '-c:v', codec, ...container, '-'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    const path = join(folder, codec);
    writeFileSync(path, video);
    const input = ['-v', 'error', '-f', format, '-i', `file:${path}`];
    const options = [...input, '-vf', "select='eq(n,0)+eq(n,7)'", '-fps_mode', 'passthrough'];
    const output = ['-frames:v', '2', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'];
    const found = run('ffmpeg', [...options, ...output]);
    const expected = execFileSync(host, [...options, ...output], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    assert.equal(found.length, 2 * 64 * 48 * 3);
    assert.equal(found.length, expected.length);
    // Colours are converted with other instructions there.
    assert.ok(found.every((level, index) => Math.abs(level - expected[index]!) <= 3));
    const count = run('ffprobe', [
      ...input,
      '-count_packets',
      '-show_entries',
      'stream=nb_read_packets',
      '-of',
      'csv=p=0',
    ]);
    assert.equal(count.toString().trim().replace(/,$/, ''), '10');
  });
}
