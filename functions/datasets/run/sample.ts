import * as z from 'zod';
import { decodeAudio } from '../../media/audio.ts';
import { encodeWav } from '../../media/encode-wav.ts';
import { decodeImage, encodeImage } from '../../media/image.ts';
import { resampleFilters } from '../../media/resample-weights.ts';
import { resize } from '../../media/resize.ts';
import type { PreparedRecord } from '../prepared-record.ts';
import type { RecordKind } from '../record-kinds.ts';

const previewPixels = 192;
const smallPixels = 64;
const previewHz = 16_000;
const previewSeconds = 4;
const previewCharacters = 300;
const previewColumns = 12;

/** A record as the profile shows it. */
export const sampleSchema = z.object({
  source: z.string(),
  label: z.string().optional(),
  /** Why it was dropped, or what it was made of. */
  note: z.string().optional(),
  picture: z.object({ base64: z.string(), type: z.enum(['image/png', 'image/webp']), small: z.boolean() }).optional(),
  sound: z.string().optional(),
  text: z.string().optional(),
  row: z.array(z.tuple([z.string(), z.string()])).optional(),
});

export type Sample = z.infer<typeof sampleSchema>;

/** What of a record's inputs can be shown; nothing where it cannot be decoded. */
async function preview(inputs: PreparedRecord['inputs'], kind: RecordKind): Promise<Partial<Sample>> {
  if (typeof inputs === 'string') return { text: shortened(inputs) };
  if (!(inputs instanceof Uint8Array)) {
    const entries = Object.entries(Object(inputs) as object).slice(0, previewColumns);
    return { row: entries.map(([name, value]) => [shortened(name), shortened(valueText(value))]) };
  }
  try {
    if (kind === 'picture') return { picture: await shrink(inputs) };
    if (kind !== 'sound') return {};
    const samples = (await decodeAudio(inputs, previewHz)).subarray(0, previewHz * previewSeconds);
    return { sound: Buffer.from(encodeWav({ sampleRateHz: previewHz, channels: [samples] })).toString('base64') };
  } catch {
    return {};
  }
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

async function shrink(bytes: Uint8Array): Promise<NonNullable<Sample['picture']>> {
  const picture = await decodeImage(bytes);
  const scale = Math.min(1, previewPixels / Math.max(picture.width, picture.height));
  const side = (pixels: number) => Math.max(1, Math.round(pixels * scale));
  const size = { width: side(picture.width), height: side(picture.height) };
  const small = Math.max(size.width, size.height) <= smallPixels;
  const file = await encodeImage(resize(picture, size, resampleFilters.bilinear), small ? 'png' : 'webp', 75);
  return { base64: Buffer.from(file).toString('base64'), type: small ? 'image/png' : 'image/webp', small };
}

export async function toSample(record: PreparedRecord, kind: RecordKind, note?: string): Promise<Sample> {
  const { source, label, inputs } = record;
  const named =
    label === undefined ? {} : { label: shortened(typeof label === 'string' ? label : JSON.stringify(label)) };
  return { source, ...named, ...(note && { note }), ...(await preview(inputs, kind)) };
}

function shortened(text: string): string {
  return text.length <= previewCharacters ? text : `${text.slice(0, previewCharacters - 1).toWellFormed()}…`;
}
