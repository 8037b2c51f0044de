import { FLACDecoder } from '@wasm-audio-decoders/flac';
import { type AudioStream, refuseAudio } from './audio-stream.ts';
import { countFlacSamples, endOfFlacPiece } from './flac-frames.ts';

/** `fLaC`, the header of the first metadata block, and that block: STREAMINFO, of 34 bytes. */
const streamInfoStart = 8;
const streamInfoEnd = 42;
/** Most bytes that are passed to the decoder at once, and most samples of all channels that these may become. */
const pieceBytes = 65_536;
const pieceSamples = 2 ** 18;

/** Opens a FLAC file (RFC 9639, section 8.2). */
export function openFlac(bytes: Uint8Array): AudioStream {
  if (bytes.length < streamInfoEnd || (bytes[4]! & 0x7f) !== 0) {
    throw refuseAudio('FLAC', 'it does not begin with a whole STREAMINFO block');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + streamInfoStart, streamInfoEnd - streamInfoStart);
  const sampleRateHz = view.getUint32(10) >>> 12;
  const channels = ((view.getUint8(12) >> 1) & 7) + 1;
  const bits = (((view.getUint8(12) & 1) << 4) | (view.getUint8(13) >> 4)) + 1;
  const total = (view.getUint8(13) & 15) * 2 ** 32 + view.getUint32(14);
  // Where STREAMINFO does not know the length, and where it lies, the frames' headers tell.
  const samples = Math.max(total, countFlacSamples(bytes));
  return { sampleRateHz, channels, samples, pieces: () => decodeFlac(bytes, total, bits, channels) };
}

async function* decodeFlac(
  bytes: Uint8Array,
  total: number,
  bits: number,
  channelCount: number,
): AsyncGenerator<readonly Float32Array[]> {
  const decoder = new FLACDecoder();
  await decoder.ready;
  let samples = 0;
  try {
    for (let start = 0, end = 0; start <= bytes.length; start = Math.max(end, start + 1)) {
      end = endOfFlacPiece(bytes, start, pieceBytes, pieceSamples / channelCount);
      const piece = bytes.subarray(start, end);
      const { channelData, errors } = await (piece.length > 0 ? decoder.decode(piece) : decoder.flush());
      if (errors[0]) throw refuseAudio('FLAC', errors[0].message);
      if (!channelData[0]?.length) continue;
      samples += channelData[0].length;
      for (const channel of channelData) rescale(channel, bits);
      yield channelData;
    }
  } finally {
    decoder.free();
  }
  if (samples < total) throw refuseAudio('FLAC', `it is cut off or damaged: ${samples} of ${total} samples are there`);
}

/** The decoder divides by the largest sample; everybody else divides by the power of two above it. */
function rescale(channel: Float32Array, bits: number): void {
  const largest = 2 ** (bits - 1) - 1;
  for (let i = 0; i < channel.length; i++) channel[i] = Math.round(channel[i]! * largest) / (largest + 1);
}
