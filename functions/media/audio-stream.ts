import { ServiceError } from '../errors.ts';

/** The formats of sound that are decoded. */
export type AudioFormat = 'WAV' | 'MP3' | 'FLAC' | 'Ogg Vorbis' | 'Ogg Opus';

/** A sound of which the headers have been read and that is decoded piece by piece. */
export interface AudioStream {
  readonly sampleRateHz: number;
  readonly channels: number;
  /** Samples per channel, as far as the file tells before it is decoded. */
  readonly samples: number;
  /** One array per channel, all of one length, from -1 to 1. Decoders free what they hold when the loop ends. */
  pieces(): AsyncIterable<readonly Float32Array[]>;
}

/** The error for a file that is damaged or of a kind that its decoder does not know. */
export function refuseAudio(format: AudioFormat, reason: string, cause?: unknown): ServiceError {
  return new ServiceError('invalid_request', `the ${format} sound cannot be decoded: ${reason}`, { cause });
}
