export interface WavOptions {
  readonly sampleRateHz?: number;
  readonly channels?: number;
  readonly tag?: number;
  readonly bits?: number;
  /** WAVE_FORMAT_EXTENSIBLE around `tag`. */
  readonly extensible?: boolean;
  /** What the header says instead of the length of `data`. */
  readonly dataBytes?: number;
}

/** A RIFF/WAVE file around `data`, with a chunk of another kind and odd length before it. */
export function writeWav(data: Uint8Array, options: WavOptions = {}): Uint8Array {
  const { sampleRateHz = 16_000, channels = 1, tag = 1, bits = 16, extensible = false } = options;
  const format = Buffer.alloc(extensible ? 40 : 16);
  format.writeUInt16LE(extensible ? 0xfffe : tag, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(sampleRateHz, 4);
  format.writeUInt32LE(Math.min(2 ** 32 - 1, (sampleRateHz * channels * bits) / 8), 8);
  format.writeUInt16LE((channels * bits) / 8, 12);
  format.writeUInt16LE(bits, 14);
  if (extensible) {
    format.writeUInt16LE(22, 16);
    format.writeUInt16LE(bits, 18);
    format.writeUInt16LE(tag, 24);
    Buffer.from('000000001000800000aa00389b71', 'hex').copy(format, 26);
  }
  const list = [chunk('LIST', Buffer.from('odd')), Buffer.of(0)];
  const body = Buffer.concat([chunk('fmt ', format), ...list, chunk('data', data, options.dataBytes)]);
  return new Uint8Array(Buffer.concat([chunk('RIFF', Buffer.concat([Buffer.from('WAVE'), body]))]));
}

/** 16-bit mono samples from numbers between -1 and 1. */
export function writePcm16(samples: ArrayLike<number>, sampleRateHz = 16_000): Uint8Array {
  const data = Int16Array.from(samples, (value) => Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768))));
  return writeWav(new Uint8Array(data.buffer), { sampleRateHz });
}

function chunk(name: string, data: Uint8Array, announced = data.length): Buffer {
  const header = Buffer.alloc(8);
  header.write(name, 'latin1');
  header.writeUInt32LE(announced, 4);
  return Buffer.concat([header, data]);
}
