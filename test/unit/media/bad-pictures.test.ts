import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { writePng } from '../../pictures.ts';

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
  ['an address', Buffer.from('https://example.com/cat.png'), 'unsupported_media_type', /no known picture/],
];

/** Decodes the files in a process of its own, whose memory is theirs alone. */
const program = `
  const { decodeImage } = await import(process.argv[1]);
  const { readFileSync } = await import('node:fs');
  const [small, ...files] = process.argv.slice(2).map((path) => readFileSync(path));
  await decodeImage(small);
  const before = process.resourceUsage().maxRSS;
  const answers = [];
  for (const file of files) {
    answers.push(await decodeImage(file).then(() => ({}), ({ name, code, message }) => ({ name, code, message })));
  }
  console.log(JSON.stringify({ answers, kilobytes: process.resourceUsage().maxRSS - before }));
`;

test('bad pictures are refused with their format and the reason, and cost at most 64 MB of memory', async () => {
  const small = await blank(8, 8).jpeg().toBuffer();
  const paths = [small, ...refused.map(([, file]) => file)].map((file, index) => {
    const path = join(folder, String(index));
    writeFileSync(path, file);
    return path;
  });
  const decoder = new URL('../../../functions/media/image.ts', import.meta.url).href;
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    program,
    decoder,
    ...paths,
  ]);
  const { answers, kilobytes } = JSON.parse(stdout) as {
    answers: { name: string; code: string; message: string }[];
    kilobytes: number;
  };
  refused.forEach(([name, , code, message], index) => {
    assert.deepEqual([answers[index]!.name, answers[index]!.code], ['ServiceError', code], name);
    assert.match(answers[index]!.message, message, name);
  });
  assert.ok(kilobytes <= 65_536, `${kilobytes} kB`);
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
