import { createOpusDecoder, type OpusOptions, type OpusPacketDecoder } from '@audio/decode-opus/core';
import { type AudioStream, refuseAudio } from './audio-stream.ts';
import { lastGranule, type OggPage, readOggPackets, readOggPages } from './ogg.ts';

/** Granules and the pre-skip are counted at this rate whatever the sound was recorded at (RFC 7845, section 4). */
const granuleRateHz = 48_000;
/** The rates that the decoder can give. */
const outputRatesHz = [8000, 12_000, 16_000, 24_000, 48_000] as const;
const packetsPerPiece = 50;

interface OpusHead {
  readonly channels: number;
  readonly preSkip: number;
  readonly sampleRateHz: (typeof outputRatesHz)[number];
  readonly options: OpusOptions;
}

/** Opens an Ogg Opus file (RFC 7845). It is decoded at the rate it was recorded at, as libsndfile does. */
export function openOpus(bytes: Uint8Array): AudioStream {
  const pages = readOggPages(bytes, 'Ogg Opus');
  const head = readHead(readOggPackets(pages).next().value?.packet ?? new Uint8Array());
  const perSample = granuleRateHz / head.sampleRateHz;
  const skip = Math.floor(head.preSkip / perSample);
  const samples = Math.max(0, Math.floor((lastGranule(pages) - head.preSkip) / perSample));
  return {
    sampleRateHz: head.sampleRateHz,
    channels: head.channels,
    samples,
    async *pieces() {
      const decoder = await createOpusDecoder();
      try {
        decoder.configure({ ...head.options, sampleRate: head.sampleRateHz });
        let toSkip = skip;
        let left = samples;
        for (const channels of decodePackets(decoder, pages)) {
          const start = Math.min(toSkip, channels[0]!.length);
          toSkip -= start;
          // What the last packet holds beyond the last granule is padding of the encoder.
          const piece = channels.map((channel) => channel.subarray(start, start + left));
          left -= piece[0]!.length;
          if (piece[0]!.length > 0) yield piece;
          if (left === 0) return;
        }
      } finally {
        decoder.free();
      }
    },
  };
}

function* decodePackets(decoder: OpusPacketDecoder, pages: readonly OggPage[]): Generator<Float32Array[]> {
  let packets: Uint8Array[] = [];
  let number = 0;
  const decode = () => {
    const { channelData, errors } = decoder.decodeFrames(packets);
    if (errors[0]) throw refuseAudio('Ogg Opus', `packet ${errors[0].frameNumber} is damaged (${errors[0].message})`);
    packets = [];
    return channelData;
  };
  for (const { packet } of readOggPackets(pages)) {
    // The first two packets are the headers OpusHead and OpusTags.
    if (number++ < 2) continue;
    packets.push(packet);
    if (packets.length === packetsPerPiece) yield* nonEmpty(decode());
  }
  if (packets.length > 0) yield* nonEmpty(decode());
}

function nonEmpty(channels: Float32Array[]): Float32Array[][] {
  return channels.length > 0 ? [channels] : [];
}

function readHead(packet: Uint8Array): OpusHead {
  if (packet.length < 19) throw refuseAudio('Ogg Opus', 'its OpusHead packet is too short');
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const channels = packet[9]!;
  const family = packet[18]!;
  const recordedHz = view.getUint32(12, true);
  const outputGain = view.getInt16(16, true);
  const head = {
    channels,
    preSkip: view.getUint16(10, true),
    sampleRateHz: outputRatesHz.find((rate) => rate >= recordedHz && recordedHz > 0) ?? granuleRateHz,
  };
  if (family === 0 && (channels === 1 || channels === 2)) return { ...head, options: { channels, outputGain } };
  if (family !== 1 || channels < 1 || channels > 8 || packet.length < 21 + channels) {
    throw refuseAudio(
      'Ogg Opus',
      `it has ${channels} channels of mapping family ${family}; 1 to 8 of 0 or 1 are known`,
    );
  }
  const channelMappingTable = packet.slice(21, 21 + channels);
  const [streamCount, coupledStreamCount] = packet.subarray(19, 21);
  return { ...head, options: { channels, outputGain, streamCount, coupledStreamCount, channelMappingTable } };
}
