import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis';
import { type AudioStream, refuseAudio } from './audio-stream.ts';
import { lastGranule, readOggPackets, readOggPages } from './ogg.ts';

/** Opens an Ogg Vorbis file (Vorbis I specification, section 4.2.2 and appendix A). */
export function openVorbis(bytes: Uint8Array): AudioStream {
  const pages = readOggPages(bytes, 'Ogg Vorbis');
  const head = readOggPackets(pages).next().value?.packet;
  if (!head || head.length < 30) throw refuseAudio('Ogg Vorbis', 'its identification header is too short');
  const sampleRateHz = new DataView(head.buffer, head.byteOffset).getUint32(12, true);
  return {
    sampleRateHz,
    channels: head[11]!,
    samples: lastGranule(pages),
    async *pieces() {
      const decoder = new OggVorbisDecoder();
      await decoder.ready;
      try {
        // One page at a time: its 255 packets may become a million samples.
        for (const page of pages) {
          const { channelData, errors } = await decoder.decode(page.bytes);
          if (errors[0]) throw refuseAudio('Ogg Vorbis', errors[0].message);
          if (channelData[0]?.length) yield channelData;
        }
        const { channelData } = await decoder.flush();
        if (channelData[0]?.length) yield channelData;
      } finally {
        decoder.free();
      }
    },
  };
}
