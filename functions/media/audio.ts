import { ServiceError } from '../errors.ts';
import { type AudioFormat, type AudioStream, refuseAudio } from './audio-stream.ts';
import { identifyFormat } from './identify-format.ts';
import { identifyOggCodec } from './ogg.ts';
import { createResampler, type Resampler } from './resample.ts';

/** Most bytes of a sound's file. */
const maxFileBytes = 32e6;
/** Longest sound: at 16 kHz its samples are 38 MB. */
export const maxAudioSeconds = 600;
const maxChannels = 8;
const minSampleRateHz = 1000;
const maxSampleRateHz = 192_000;

/** Decoders are loaded on first use: what is no sound does not wait for them. */
const open: Record<AudioFormat, (bytes: Uint8Array) => Promise<AudioStream>> = {
  WAV: async (bytes) => (await import('./wav.ts')).openWav(bytes),
  MP3: async (bytes) => (await import('./mp3.ts')).openMp3(bytes),
  FLAC: async (bytes) => (await import('./flac.ts')).openFlac(bytes),
  'Ogg Vorbis': async (bytes) => (await import('./vorbis.ts')).openVorbis(bytes),
  'Ogg Opus': async (bytes) => (await import('./opus.ts')).openOpus(bytes),
};

/**
 * The sound of a WAV, MP3, FLAC, Ogg Vorbis or Ogg Opus file as mono samples from -1 to 1 at `sampleRateHz`: channels are
 * averaged, then resampled as torchaudio does. The format is found by the file's bytes. Throws unsupported_media_type for
 * another format, payload_too_large, and invalid_request for a file that is damaged, cut off or without a sample.
 */
export async function decodeAudio(bytes: Uint8Array, sampleRateHz: number): Promise<Float32Array> {
  return (await decodeSound(bytes, { sampleRateHz, channels: 1 })).channels[0]!;
}

/** A sound's samples from -1 to 1: one array per channel, all of one length. */
export interface Sound {
  readonly sampleRateHz: number;
  readonly channels: readonly Float32Array[];
}

/** As decodeAudio, with the file's own rate and channels where others are not asked for. */
export async function decodeSound(
  bytes: Uint8Array,
  wanted: { readonly sampleRateHz?: number | undefined; readonly channels?: 1 | 2 | undefined },
): Promise<Sound> {
  const format = checkFile(bytes);
  try {
    const stream = await open[format](bytes);
    checkHeaders(stream, format);
    const sampleRateHz = wanted.sampleRateHz ?? stream.sampleRateHz;
    const mix = (channels: readonly Float32Array[]) => mixTo(wanted.channels ?? channels.length, channels, format);
    return { sampleRateHz, channels: await readSamples(stream, format, sampleRateHz, mix) };
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    // The decoders' own errors (a packet larger than their buffer, memory that they cannot have) are the file's fault.
    throw refuseAudio(format, 'its decoder fails on it', error);
  }
}

function checkFile(bytes: Uint8Array): AudioFormat {
  const names = Object.keys(open);
  const allowed = `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
  if (bytes.length === 0) throw new ServiceError('invalid_request', `the sound is empty; send a ${allowed} file`);
  if (bytes.length > maxFileBytes) {
    throw new ServiceError(
      'payload_too_large',
      `the sound has ${bytes.length} bytes; at most ${maxFileBytes} are allowed`,
    );
  }
  const container = identifyFormat(bytes);
  const found = container === 'Ogg' ? (identifyOggCodec(bytes) ?? container) : container;
  if (found !== undefined && found in open) return found as AudioFormat;
  const given = found
    ? `the file is ${found}${found === 'Ogg' ? ' of another codec' : ''}`
    : 'the file begins like no known sound';
  throw new ServiceError('unsupported_media_type', `${given}; ${allowed} is needed`);
}

function checkHeaders({ sampleRateHz, channels, samples }: AudioStream, format: AudioFormat): void {
  if (sampleRateHz < minSampleRateHz || sampleRateHz > maxSampleRateHz) {
    const allowed = `${minSampleRateHz} to ${maxSampleRateHz} Hz are allowed`;
    throw refuseAudio(format, `its header says ${sampleRateHz} samples a second; ${allowed}`);
  }
  if (channels < 1 || channels > maxChannels) {
    throw refuseAudio(format, `its header says ${channels} channels; 1 to ${maxChannels} are allowed`);
  }
  if (samples > maxAudioSeconds * sampleRateHz) throw tooLong(format, Math.round(samples / sampleRateHz));
}

function tooLong(format: AudioFormat, seconds?: number): ServiceError {
  const given = seconds === undefined ? `more than ${maxAudioSeconds}` : `${seconds}`;
  return new ServiceError(
    'payload_too_large',
    `the ${format} sound is ${given} s long; at most ${maxAudioSeconds} s are allowed`,
  );
}

async function readSamples(
  stream: AudioStream,
  format: AudioFormat,
  sampleRateHz: number,
  mix: (channels: readonly Float32Array[]) => readonly Float32Array[],
): Promise<Float32Array[]> {
  const tracks: { resampler: Resampler; parts: Float32Array[] }[] = [];
  let decoded = 0;
  for await (const channels of stream.pieces()) {
    decoded += channels[0]!.length;
    // Headers lie: what goes on after the end that they announce is not decoded at leisure.
    if (decoded > maxAudioSeconds * stream.sampleRateHz) throw tooLong(format);
    if (decoded > stream.samples + stream.sampleRateHz) {
      throw refuseAudio(format, 'it is longer than its headers say');
    }
    for (const [index, channel] of mix(channels).entries()) {
      tracks[index] ??= { resampler: createResampler(stream.sampleRateHz, sampleRateHz), parts: [] };
      tracks[index].parts.push(tracks[index].resampler.push(channel));
    }
  }
  if (decoded === 0) throw refuseAudio(format, 'there is no sound in it');
  return tracks.map(({ resampler, parts }) => join([...parts, resampler.end()]));
}

function join(parts: readonly Float32Array[]): Float32Array {
  const samples = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    samples.set(part, offset);
    offset += part.length;
  }
  return samples;
}

/** Channels are averaged to one, or that one stands for two; as many as there are stay as they are. */
function mixTo(wanted: number, channels: readonly Float32Array[], format: AudioFormat): readonly Float32Array[] {
  const mono = mixToMono(channels, format);
  if (wanted === channels.length && wanted > 1) return channels;
  return wanted === 1 ? [mono] : [mono, mono];
}

function mixToMono(channels: readonly Float32Array[], format: AudioFormat): Float32Array {
  const mono = new Float32Array(channels[0]!.length);
  for (let i = 0; i < mono.length; i++) {
    let sum = 0;
    for (const channel of channels) sum += channel[i]!;
    // A float file may hold anything.
    if (!Number.isFinite(sum)) throw refuseAudio(format, 'it holds samples that are no numbers (NaN or infinite)');
    mono[i] = sum / channels.length;
  }
  return mono;
}
