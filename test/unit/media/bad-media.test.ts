import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { encodedTones } from '../../encoded-tones.ts';
import { writePng } from '../../pictures.ts';
import { writeWav } from '../../wav.ts';

const folder = mkdtempSync(join(tmpdir(), 'bad-pictures-'));
after(() => rmSync(folder, { recursive: true }));

const blank = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: 'white' } });
const [whiteJpeg, whitePng, whiteWebp] = await Promise.all([
  blank(7000, 7000).jpeg().toBuffer(),
  blank(7000, 7000).png().toBuffer(),
  blank(7000, 7000).webp({ lossless: true }).toBuffer(),
]);
const svg = '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>';
// What lies between is no picture, but as large as a photo of 48 million pixels would be.
const photo = Buffer.concat([whiteJpeg.subarray(0, -2), Buffer.alloc(6e6, 0x55)]);

const refused: [name: string, file: Uint8Array, code: string, message: RegExp][] = [
  [
    'a PNG of 49 million white pixels',
    whitePng,
    'payload_too_large',
    /PNG.*7000×7000 pixels in \d+ bytes, as a decompression bomb/,
  ],
  ['a WebP of 49 million white pixels', whiteWebp, 'payload_too_large', /WebP.*decompression bomb/],
  ['a large JPEG without its end', photo, 'invalid_request', /JPEG picture cannot be decoded: it is cut off/],
  [
    'a large PNG without its end',
    Buffer.concat([whitePng.subarray(0, -12), Buffer.alloc(3e5, 1)]),
    'invalid_request',
    /PNG.*cut off/,
  ],
  [
    'a PNG of no pixels',
    writePng({ width: 0, height: 0, bits: 8, colourType: 2 }, []),
    'invalid_request',
    /PNG picture cannot be decoded/,
  ],
  [
    'a PNG that is too wide',
    writePng({ width: 200_000, height: 1, bits: 8, colourType: 0 }, [Buffer.alloc(9)]),
    'payload_too_large',
    /200000×1 pixels.*100000 a side/,
  ],
  ['an SVG that names a file', Buffer.from(svg), 'unsupported_media_type', /is SVG or other XML/],
  [
    'an SVG with a byte order mark',
    Buffer.from(`\ufeff<?xml version="1.0"?>${svg}`),
    'unsupported_media_type',
    /is SVG or other XML/,
  ],
  ['a compressed SVG', gzipSync(svg), 'unsupported_media_type', /is gzip/],
  [
    'an SVG behind a PNG’s name',
    Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.from(svg)]),
    'invalid_request',
    /PNG picture cannot be decoded/,
  ],
  ['an encrypted archive', Buffer.from('PK\x03\x04\x14\0\x01\0'), 'unsupported_media_type', /is ZIP/],
  ['a sound', Buffer.from('RIFF\x24\0\0\0WAVEfmt '), 'unsupported_media_type', /is WAV/],
  ['a video', Buffer.from('\0\0\0\x20ftypisom'), 'unsupported_media_type', /is MP4/],
  ['a page', Buffer.from('<!doctype html><img src=x>'), 'unsupported_media_type', /is HTML/],
  ['an encrypted PDF', Buffer.from('%PDF-1.7\n1 0 obj<</Encrypt 2 0 R>>'), 'unsupported_media_type', /is PDF/],
  ['an address', Buffer.from('https://example.com/cat.png'), 'unsupported_media_type', /no known picture/],
];

const garbage = Uint8Array.from({ length: 4e6 }, (_, index) => Math.imul(index, 2_654_435_761) >>> 24);
const withGarbage = (bytes: Uint8Array) => Buffer.concat([bytes.subarray(0, 60), garbage]);
const { MP3, FLAC, 'Ogg Vorbis': vorbis, 'Ogg Opus': opus } = encodedTones;
const encryptedPdf = Buffer.from('%PDF-1.7\n1 0 obj<</Filter/Standard/V 4>>endobj trailer<</Encrypt 1 0 R>>');

const refusedSounds: typeof refused = [
  ['an MP3 that goes on as garbage', withGarbage(MP3.bytes), 'invalid_request', /MP3/],
  ['a FLAC that goes on as garbage', withGarbage(FLAC.bytes), 'invalid_request', /FLAC/],
  ['a Vorbis that goes on as garbage', withGarbage(vorbis.bytes), 'invalid_request', /Ogg Vorbis/],
  ['an Opus that goes on as garbage', withGarbage(opus.bytes), 'invalid_request', /Ogg Opus/],
  ['half an MP3', MP3.bytes.slice(0, MP3.bytes.length / 2), 'invalid_request', /MP3.*cut off/],
  ['a WAV of 601 s', writeWav(new Uint8Array(601 * 2000), { sampleRateHz: 1000 }), 'payload_too_large', /WAV.*601 s/],
  ['a WAV that lies', writeWav(new Uint8Array(8), { dataBytes: 1e9 }), 'invalid_request', /WAV.*announces/],
  ['a WAV without a sample', writeWav(new Uint8Array()), 'invalid_request', /WAV.*no sound in it/],
  ['an encrypted archive', Buffer.from('PK\x03\x04\x14\0\x01\0'), 'unsupported_media_type', /is ZIP/],
  ['an encrypted PDF', encryptedPdf, 'unsupported_media_type', /is PDF/],
  ['a picture', whiteJpeg, 'unsupported_media_type', /is JPEG/],
  ['nothing', new Uint8Array(), 'invalid_request', /sound is empty/],
];

/** Decodes the files in a process of its own, whose memory and time are theirs alone; the first one is a good one. */
const decodeAll = `
  const [module, name, ...paths] = process.argv.slice(1);
  const { [name]: decode } = await import(module);
  const { readFileSync } = await import('node:fs');
  const [good, ...files] = paths.map((path) => readFileSync(path));
  await decode(good, 16000);
  const before = process.resourceUsage().maxRSS;
  const answers = [];
  // Of processes that have ended, in hundredths of a second (proc(5), cutime and cstime).
  const ofChildren = () => {
    if (process.platform !== 'linux') return 0;
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
    return (Number(fields[13]) + Number(fields[14])) * 10;
  };
  for (const file of files) {
    const started = process.cpuUsage();
    const before = ofChildren();
    const refusal = await decode(file, 16000).then(() => ({}), ({ name, code, message }) => ({ name, code, message }));
    const { user, system } = process.cpuUsage(started);
    answers.push({ ...refusal, milliseconds: (user + system) / 1000 + ofChildren() - before });
  }
  console.log(JSON.stringify({ answers, kilobytes: process.resourceUsage().maxRSS - before }));
`;

interface Refusals {
  readonly answers: readonly { name: string; code: string; message: string; milliseconds: number }[];
  readonly kilobytes: number;
}

async function refuseAll(module: string, name: string, good: Uint8Array, files: typeof refused): Promise<void> {
  const paths = [good, ...files.map(([, file]) => file)].map((file, index) => {
    const path = join(folder, `${name}-${index}`);
    writeFileSync(path, file);
    return path;
  });
  const decoder = new URL(`../../../functions/media/${module}`, import.meta.url).href;
  const options = ['--input-type=module', '-e', decodeAll, decoder, name, ...paths];
  const { stdout } = await promisify(execFile)(process.execPath, options);
  const { answers, kilobytes } = JSON.parse(stdout) as Refusals;
  files.forEach(([what, , code, message], index) => {
    const answer = answers[index]!;
    assert.deepEqual([answer.name, answer.code], ['ServiceError', code], what);
    assert.match(answer.message, message, what);
    assert.ok(answer.milliseconds <= 500, `${what}: ${answer.milliseconds} ms of CPU`);
  });
  assert.ok(kilobytes <= 65_536, `${kilobytes} kB`);
}

test('bad pictures are refused with their format and the reason, for at most 64 MB of memory and 500 ms of CPU', async () => {
  await refuseAll('image.ts', 'decodeImage', await blank(8, 8).jpeg().toBuffer(), refused);
});

test('bad sounds are refused with their format and the reason, for at most 64 MB of memory and 500 ms of CPU', async () => {
  await refuseAll('audio.ts', 'decodeAudio', FLAC.bytes, refusedSounds);
});

const program = 'ffmpeg';
const encode = (...options: string[]): Uint8Array => {
  const path = join(folder, 'encoded.mp4');
  execFileSync(program, ['-v', 'error', '-y', '-f', 'lavfi', ...options, path]);
  return new Uint8Array(readFileSync(path));
};

test('bad videos are refused with their format and the reason, for at most 64 MB of memory and 500 ms of CPU', {
  skip: spawnSync(program, ['-version']).status === 0 ? false : 'ffmpeg is not in PATH',
}, async () => {
  const good = encode('-i', 'testsrc=size=64x64:rate=10:duration=2');
  const fast = ['-preset', 'ultrafast'];
  const refusedVideos: typeof refused = [
    ['an 8K video', encode('-i', 'color=size=7680x4320:rate=1:duration=2', ...fast), 'payload_too_large', /7680×4320/],
    ['a video of 700 s', encode('-i', 'color=size=16x16:rate=1:duration=700', ...fast), 'payload_too_large', /700 s/],
    [
      'a video of 40,000 frames',
      encode('-i', 'color=size=16x16:rate=100:duration=400', ...fast),
      'payload_too_large',
      /40000 frames/,
    ],
    ['sound alone', encode('-i', 'sine=duration=1', '-c:a', 'aac'), 'invalid_request', /MP4 .*holds no video/],
    ['an MP4 that goes on as garbage', withGarbage(good), 'invalid_request', /MP4 video cannot be decoded/],
    ['an MP4 cut in half', good.slice(0, good.length / 2), 'invalid_request', /MP4 video cannot be decoded/],
    ['a header alone', Buffer.from('\0\0\0\x20ftypisom'), 'invalid_request', /MP4 video cannot be decoded/],
    [
      'an unknown WebM',
      withGarbage(Buffer.from('\x1aE\xdf\xa3', 'latin1')),
      'invalid_request',
      /WebM video cannot be decoded/,
    ],
    ['a picture', whiteJpeg, 'unsupported_media_type', /is JPEG/],
    ['an encrypted archive', Buffer.from('PK\x03\x04\x14\0\x01\0'), 'unsupported_media_type', /is ZIP/],
    ['nothing', new Uint8Array(), 'invalid_request', /video is empty/],
  ];
  await refuseAll('video.ts', 'readVideoHeader', good, refusedVideos);
});

test('a large picture that is whole is decoded, whatever lies behind its end', async () => {
  const { decodeImage } = await import('../../../functions/media/image.ts');
  const noise = Buffer.alloc(4000 * 4);
  for (let i = 0; i < noise.length; i++) noise[i] = (i * 37) % 251;
  const strip = sharp(noise, { raw: { width: 4000, height: 4, channels: 1 } });
  const large = strip.resize(4000, 3100, { kernel: 'nearest', fit: 'fill' });
  for (const file of [
    await large.clone().jpeg().toBuffer(),
    await large.clone().png({ compressionLevel: 1 }).toBuffer(),
  ]) {
    const { width, height } = await decodeImage(Buffer.concat([file, Buffer.from('appended by a camera')]));
    assert.deepEqual([width, height], [4000, 3100]);
  }
});
