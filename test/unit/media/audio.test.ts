import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decodeAudio } from '../../../functions/media/audio.ts';
import { encodedTones } from '../../encoded-tones.ts';
import { type WavOptions, writeWav } from '../../wav.ts';

async function decode(data: Uint8Array, options: WavOptions = {}): Promise<number[]> {
  return Array.from(await decodeAudio(writeWav(data, options), options.sampleRateHz ?? 16_000));
}

suite('WAV', () => {
  test('integers of 8, 16, 24 and 32 bits become numbers from -1 to 1', async () => {
    assert.deepEqual(await decode(Buffer.of(0, 128, 192), { bits: 8 }), [-1, 0, 0.5]);
    assert.deepEqual(await decode(Buffer.from('0080ff7f0040', 'hex')), [-1, 1 - 2 ** -15, 0.5]);
    assert.deepEqual(await decode(Buffer.from('000080ffff7fffffff', 'hex'), { bits: 24 }), [
      -1,
      1 - 2 ** -23,
      -(2 ** -23),
    ]);
    assert.deepEqual(await decode(Buffer.from('0000008000000040', 'hex'), { bits: 32 }), [-1, 0.5]);
  });

  test('floats of 32 and 64 bits are taken as they are, also in an extensible header', async () => {
    const single = new Uint8Array(Float32Array.of(0.25, -1.5).buffer);
    assert.deepEqual(await decode(single, { tag: 3, bits: 32 }), [0.25, -1.5]);
    assert.deepEqual(await decode(single, { tag: 3, bits: 32, extensible: true }), [0.25, -1.5]);
    assert.deepEqual(await decode(new Uint8Array(Float64Array.of(0.125).buffer), { tag: 3, bits: 64 }), [0.125]);
  });

  test('A-law and µ-law are expanded as ITU-T G.711 says', async () => {
    const scaled = async (codes: number[], tag: number) =>
      (await decode(Buffer.from(codes), { tag, bits: 8 })).map((value) => value * 32_768);
    assert.deepEqual(await scaled([0xd5, 0x55, 0xaa, 0x2a, 0xc5], 6), [8, -8, 32_256, -32_256, 264]);
    assert.deepEqual(await scaled([0xff, 0x7f, 0x80, 0x00, 0xef], 7), [0, 0, 32_124, -32_124, 132]);
  });

  test('channels are averaged', async () => {
    assert.deepEqual(await decode(Buffer.from('00400000004000c0', 'hex'), { channels: 2 }), [0.25, 0]);
  });

  test('a length that a streaming writer left open reaches to the end of the file', async () => {
    assert.deepEqual(await decode(Buffer.from('00400040', 'hex'), { dataBytes: 0xffff_ffff }), [0.5, 0.5]);
  });
});

for (const [format, { bytes, sampleRateHz }] of Object.entries(encodedTones)) {
  test(`a tone in ${format} is decoded with its length, pitch and loudness`, async () => {
    const samples = await decodeAudio(bytes, sampleRateHz);
    assert.equal(samples.length, 0.2 * sampleRateHz);
    // The middle: codecs blur the edges. Both channels of the FLAC sound are in phase: 0.5 and 0.25 make 0.375.
    const expected = format === 'FLAC' ? 0.375 : 0.5;
    let [sine, cosine] = [0, 0];
    const [from, count] = [0.05 * sampleRateHz, 0.1 * sampleRateHz];
    for (let i = from; i < from + count; i++) {
      const angle = (2 * Math.PI * 440 * i) / sampleRateHz;
      sine += (samples[i]! * Math.sin(angle) * 2) / count;
      cosine += (samples[i]! * Math.cos(angle) * 2) / count;
    }
    const tolerance = format === 'FLAC' ? 1e-6 : 0.03;
    assert.ok(Math.abs(sine - expected) < tolerance && Math.abs(cosine) < tolerance, `${sine}, ${cosine}`);
  });

  test(`a ${format} file that is cut off is refused with its format and reason`, async () => {
    const reason = format === 'FLAC' ? /FLAC .* \d+ of 1600 samples/ : new RegExp(`${format} .* it is cut off`);
    for (const share of [0.5, 0.9]) {
      const cut = bytes.slice(0, Math.floor(bytes.length * share));
      await assert.rejects(decodeAudio(cut, 16_000), { code: 'invalid_request', message: reason });
    }
  });

  test(`bits that flip in a ${format} file never make more than a refusal`, async () => {
    let seed = 1;
    for (let round = 0; round < 30; round++) {
      const broken = bytes.slice();
      for (let flips = 0; flips < 1 + (round % 4); flips++) {
        seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
        broken[seed % broken.length]! ^= 1 << (seed >>> 29);
      }
      await decodeAudio(broken, 16_000).then(
        (samples) => assert.ok(samples.length > 0, `seed ${seed}`),
        ({ code, message }: { code: string; message: string }) =>
          assert.match(
            code,
            /^(invalid_request|unsupported_media_type|payload_too_large)$/,
            `seed ${seed}: ${message}`,
          ),
      );
    }
  });
}

suite('what is no sound', () => {
  const refused = (bytes: Uint8Array, code: string, message: RegExp) =>
    assert.rejects(decodeAudio(bytes, 16_000), { name: 'ServiceError', code, message });

  test('the format is found by the bytes, and others are named', async () => {
    await refused(new Uint8Array(), 'invalid_request', /empty; send a WAV, MP3, FLAC, Ogg Vorbis or Ogg Opus file/);
    await refused(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), 'unsupported_media_type', /the file is PNG; WAV/);
    await refused(Buffer.from('hello, hello'), 'unsupported_media_type', /like no known sound/);
    const speex = Buffer.concat([Buffer.from('OggS'), Buffer.alloc(24), Buffer.from('Speex   ')]);
    await refused(speex, 'unsupported_media_type', /Ogg of another codec/);
  });

  test('lengths are read before anything is decoded', async () => {
    await refused(writeWav(new Uint8Array(601 * 2000), { sampleRateHz: 1000 }), 'payload_too_large', /601 s .* 600 s/);
    const flac = encodedTones.FLAC.bytes.slice();
    flac.fill(0xff, 22, 26);
    await refused(flac, 'payload_too_large', /FLAC sound is \d+ s long/);
    await refused(new Uint8Array(32e6 + 1), 'payload_too_large', /32000001 bytes/);
  });

  test('a FLAC file of silence that hides its length is told by its frames', async () => {
    const streamInfo = encodedTones.FLAC.bytes.slice(0, 42);
    streamInfo[4] = 0x80;
    // 36 bits of length: unknown.
    streamInfo[21]! &= 0xf0;
    streamInfo.fill(0, 22, 26);
    const frames = Array.from({ length: 100 }, (_, number) => {
      // 65,536 samples, 8 kHz, 2 channels of 24 bits; two constant subframes and a checksum that is not looked at yet.
      const header = Buffer.of(0xff, 0xf8, 0x74, 0x1c, number, 0xff, 0xff);
      return Buffer.concat([header, Buffer.of(crc8(header)), Buffer.alloc(10)]);
    });
    const started = process.memoryUsage().rss;
    await refused(Buffer.concat([streamInfo, ...frames]), 'payload_too_large', /FLAC sound is 819 s long/);
    assert.ok(process.memoryUsage().rss - started < 64e6);
  });

  test('a file without a sample in it is refused', async () => {
    await refused(writeWav(new Uint8Array()), 'invalid_request', /WAV .* no sound in it/);
    const silent = Buffer.concat([Buffer.from('fLaC'), encodedTones.FLAC.bytes.slice(4, 42)]);
    silent.fill(0, 21, 26);
    silent[4] = 0x80;
    await refused(silent, 'invalid_request', /FLAC .* cannot be decoded/);
    await refused(Buffer.concat([Buffer.from([0xff, 0xfb]), Buffer.alloc(5000)]), 'invalid_request', /MP3 .* in a row/);
  });

  test('headers that lie or make no sense are refused', async () => {
    const data = new Uint8Array(8);
    await refused(writeWav(data, { dataBytes: 100 }), 'invalid_request', /announces 100 bytes of sound, 8 are there/);
    await refused(writeWav(data, { bits: 12 }), 'invalid_request', /format 1 with 12 bits/);
    await refused(writeWav(data, { tag: 2, bits: 4, channels: 2 }), 'invalid_request', /format 2 with 4 bits/);
    await refused(writeWav(data, { channels: 9 }), 'invalid_request', /9 channels; 1 to 8/);
    await refused(writeWav(data, { channels: 0 }), 'invalid_request', /0 channels|0 samples/);
    await refused(writeWav(data, { sampleRateHz: 0 }), 'invalid_request', /0 samples a second/);
    await refused(writeWav(data, { sampleRateHz: 4e9 }), 'invalid_request', /4000000000 samples a second/);
    const tag = Buffer.concat([Buffer.from('ID3\x04\0\0\0\x01\0\0', 'latin1'), Buffer.alloc(100)]);
    await refused(tag, 'invalid_request', /MP3 .* cut off within its ID3 tag/);
    await refused(writeWav(data).slice(0, 20), 'invalid_request', /no whole 'fmt ' chunk/);
    const notANumber = new Uint8Array(Float32Array.of(0, Number.NaN).buffer);
    await refused(writeWav(notANumber, { tag: 3, bits: 32 }), 'invalid_request', /NaN or infinite/);
  });

  test('garbage behind a good beginning costs little memory', async () => {
    const before = process.memoryUsage().rss;
    for (const { bytes } of Object.values(encodedTones)) {
      const garbage = new Uint8Array(4e6).map((_, i) => Math.imul(i, 2_654_435_761) >>> 24);
      garbage.set(bytes.subarray(0, 60));
      await assert.rejects(decodeAudio(garbage, 16_000), { code: 'invalid_request' });
    }
    assert.ok(process.memoryUsage().rss - before < 64e6);
  });
});

function crc8(bytes: Uint8Array): number {
  return bytes.reduce((crc, byte) => {
    let value = crc ^ byte;
    for (let bit = 0; bit < 8; bit++) value = ((value << 1) ^ (value & 0x80 ? 7 : 0)) & 0xff;
    return value;
  }, 0);
}
