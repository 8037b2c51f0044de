import { type AudioStream, refuseAudio } from './audio-stream.ts';

/** Format tags of WAVE files (Microsoft, mmreg.h). */
const tags = { pcm: 1, float: 3, aLaw: 6, muLaw: 7, extensible: 0xfffe } as const;
/** The rest of a WAVE_FORMAT_EXTENSIBLE sub-format GUID after its format tag. */
const subFormatSuffix = '000000001000800000aa00389b71';
/** Sizes from here on are written by programs that stream and do not know the length. */
const unknownSize = 0x7fff_f000;
const framesPerPiece = 65_536;

interface WavFormat {
  readonly sampleRateHz: number;
  readonly channels: number;
  /** Bytes of one sample of one channel. */
  readonly sampleBytes: number;
  readonly decode: (view: DataView, position: number) => number;
}

/** Opens a RIFF/WAVE file: PCM of 8, 16, 24 and 32 bits, float of 32 and 64 bits, A-law and µ-law. */
export function openWav(bytes: Uint8Array): AudioStream {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { format, start, end } = readChunks(view);
  const { sampleRateHz, channels, sampleBytes, decode } = format;
  const frameBytes = sampleBytes * channels;
  const samples = Math.floor((end - start) / frameBytes);
  return {
    sampleRateHz,
    channels,
    samples,
    async *pieces() {
      for (let first = 0; first < samples; first += framesPerPiece) {
        const length = Math.min(framesPerPiece, samples - first);
        yield Array.from({ length: channels }, (_, channel) => {
          const piece = new Float32Array(length);
          let position = start + first * frameBytes + channel * sampleBytes;
          for (let i = 0; i < length; i++, position += frameBytes) piece[i] = decode(view, position);
          return piece;
        });
      }
    },
  };
}

/** Walks the chunks to `fmt ` and `data`; chunks are padded to an even length. */
function readChunks(view: DataView): { format: WavFormat; start: number; end: number } {
  let format: WavFormat | undefined;
  for (let position = 12; position + 8 <= view.byteLength; ) {
    const name = readName(view, position);
    const size = view.getUint32(position + 4, true);
    const start = position + 8;
    const end = start + size;
    if (name === 'data') {
      if (!format) throw refuseAudio('WAV', "it has no 'fmt ' chunk before its data");
      if (end <= view.byteLength) return { format, start, end };
      if (size >= unknownSize) return { format, start, end: view.byteLength };
      const there = view.byteLength - start;
      throw refuseAudio('WAV', `it is cut off: its header announces ${size} bytes of sound, ${there} are there`);
    }
    if (end > view.byteLength) break;
    if (name === 'fmt ') format = readFormat(new DataView(view.buffer, view.byteOffset + start, size));
    position = end + (size & 1);
  }
  throw refuseAudio('WAV', format ? "it has no 'data' chunk" : "it has no whole 'fmt ' chunk");
}

function readFormat(chunk: DataView): WavFormat {
  if (chunk.byteLength < 16) throw refuseAudio('WAV', `its 'fmt ' chunk has ${chunk.byteLength} bytes instead of 16`);
  const channels = chunk.getUint16(2, true);
  const sampleRateHz = chunk.getUint32(4, true);
  const frameBytes = chunk.getUint16(12, true);
  const bits = chunk.getUint16(14, true);
  const tag = readTag(chunk);
  const decode = chooseDecoder(tag, bits);
  if (!decode) {
    const known = 'PCM of 8, 16, 24 or 32 bits, float of 32 or 64 bits, A-law and µ-law are known';
    throw refuseAudio('WAV', `it is of format ${tag} with ${bits} bits per sample; ${known}`);
  }
  if (frameBytes !== (channels * bits) / 8) {
    throw refuseAudio('WAV', `its header says ${frameBytes} bytes for ${channels} samples of ${bits} bits`);
  }
  return { sampleRateHz, channels, sampleBytes: bits / 8, decode };
}

function readTag(chunk: DataView): number {
  const tag = chunk.getUint16(0, true);
  if (tag !== tags.extensible || chunk.byteLength < 40) return tag;
  const suffix = Array.from({ length: 14 }, (_, i) =>
    chunk
      .getUint8(26 + i)
      .toString(16)
      .padStart(2, '0'),
  ).join('');
  return suffix === subFormatSuffix ? chunk.getUint16(24, true) : tag;
}

function chooseDecoder(tag: number, bits: number): WavFormat['decode'] | undefined {
  return decoders[`${tag}/${bits}`];
}

const decoders: Readonly<Record<string, WavFormat['decode']>> = {
  // 8-bit samples alone are unsigned.
  [`${tags.pcm}/8`]: (view, position) => (view.getUint8(position) - 128) / 2 ** 7,
  [`${tags.pcm}/16`]: (view, position) => view.getInt16(position, true) / 2 ** 15,
  [`${tags.pcm}/24`]: (view, position) =>
    ((view.getInt8(position + 2) << 16) | view.getUint16(position, true)) / 2 ** 23,
  [`${tags.pcm}/32`]: (view, position) => view.getInt32(position, true) / 2 ** 31,
  [`${tags.float}/32`]: (view, position) => view.getFloat32(position, true),
  [`${tags.float}/64`]: (view, position) => view.getFloat64(position, true),
  [`${tags.aLaw}/8`]: (view, position) => fromALaw(view.getUint8(position)) / 2 ** 15,
  [`${tags.muLaw}/8`]: (view, position) => fromMuLaw(view.getUint8(position)) / 2 ** 15,
};

/** ITU-T G.711, A-law → 16 bits: even bits are inverted; sign, 3 bits of segment, 4 bits of level. */
function fromALaw(code: number): number {
  const bits = code ^ 0x55;
  const segment = (bits >> 4) & 7;
  const level = ((bits & 15) << 4) + (segment === 0 ? 8 : 0x108);
  const magnitude = segment > 1 ? level << (segment - 1) : level;
  return bits & 0x80 ? magnitude : -magnitude;
}

/** ITU-T G.711, µ-law → 16 bits: all bits are inverted; the scale is shifted by 132. */
function fromMuLaw(code: number): number {
  const bits = ~code;
  const magnitude = ((((bits & 15) << 3) + 132) << ((bits >> 4) & 7)) - 132;
  return bits & 0x80 ? -magnitude : magnitude;
}

function readName(view: DataView, position: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(position + i)));
}
