import type { Sound } from './audio.ts';

const headerBytes = 44;
const sampleBytes = 2;

/** A WAV file (PCM, 16 bits) of samples from -1 to 1; louder ones are cut off. Samples that came from 16 bits come out equal. */
export function encodeWav({ sampleRateHz, channels }: Sound): Uint8Array {
  const length = channels[0]?.length ?? 0;
  const dataBytes = length * channels.length * sampleBytes;
  const file = Buffer.alloc(headerBytes + dataBytes);
  file.write('RIFF', 0);
  file.writeUInt32LE(headerBytes - 8 + dataBytes, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(channels.length, 22);
  file.writeUInt32LE(sampleRateHz, 24);
  file.writeUInt32LE(sampleRateHz * channels.length * sampleBytes, 28);
  file.writeUInt16LE(channels.length * sampleBytes, 32);
  file.writeUInt16LE(8 * sampleBytes, 34);
  file.write('data', 36);
  file.writeUInt32LE(dataBytes, 40);
  const view = new DataView(file.buffer, file.byteOffset + headerBytes, dataBytes);
  let at = 0;
  for (let i = 0; i < length; i++) {
    for (const channel of channels) {
      view.setInt16(at, Math.min(32_767, Math.max(-32_768, Math.round(channel[i]! * 32_768))), true);
      at += sampleBytes;
    }
  }
  return file;
}
