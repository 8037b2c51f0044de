import { ServiceError } from '../errors.ts';
import { decodeAudio } from '../media/audio.ts';
import { encodeWav } from '../media/encode-wav.ts';
import { decodeImageWith, encodeImage } from '../media/image.ts';
import type { Size } from '../media/resize.ts';
import { formatBytes } from '../page/format.ts';
import { type Html, html, isolate, shorten } from '../page/html.ts';
import { picture, player } from '../page/parts.ts';
import type { TaskName } from '../tasks/task-names.ts';

/** What a page shows of a record's inputs. */
export interface Preview {
  readonly media?: Html;
  readonly text?: Html;
}

const longestSide = 320;
const smallSide = 64;
const soundHz = 16_000;
const soundSeconds = 6;
const mostCharacters = 600;
const mostColumns = 24;

/** Something that is drawn over a picture, in its own pixels. */
export type Overlay = (size: Size) => Html;

/**
 * Inputs of a record as a page shows them: a small copy of a picture, the first seconds of a sound, a text, a row. What cannot be
 * decoded is only described. `budget` is how many bytes of pictures and sounds the page may still take.
 */
export async function previewInputs(
  inputs: unknown,
  task: TaskName,
  budget: { bytes: number },
  overlay?: Overlay,
): Promise<Preview> {
  const file = readFile(inputs, task);
  if (!file) return { text: renderValue(inputs) };
  const described = { text: html`<p>A file of ${formatBytes(file.length)}</p>` };
  if (budget.bytes <= 0) return described;
  try {
    return /^(audio|automatic-speech)-/.test(task)
      ? await previewSound(file, budget)
      : await previewPicture(file, budget, overlay);
  } catch (error) {
    if (error instanceof ServiceError) return described;
    throw error;
  }
}

/** Bytes of a file, as they are or in base64; undefined: the task takes no files. */
function readFile(inputs: unknown, task: TaskName): Uint8Array | undefined {
  if (inputs instanceof Uint8Array) return inputs;
  const takesFiles = /^(image|video|audio|file|object)-|^automatic-speech-/.test(task);
  return takesFiles && typeof inputs === 'string' ? Buffer.from(inputs, 'base64') : undefined;
}

async function previewPicture(file: Uint8Array, budget: { bytes: number }, overlay?: Overlay): Promise<Preview> {
  const { picture: small, original } = await decodeImageWith(file, { resizeTo: (size) => fitInto(size) });
  const tiny = Math.max(original.width, original.height) <= smallSide;
  const bytes = await encodeImage(small, tiny ? 'png' : 'webp', 75);
  budget.bytes -= bytes.length;
  const alt = `The picture, ${original.width} by ${original.height} pixels`;
  return { media: picture(bytes, tiny ? 'image/png' : 'image/webp', alt, tiny, overlay?.(original)) };
}

async function previewSound(file: Uint8Array, budget: { bytes: number }): Promise<Preview> {
  const samples = await decodeAudio(file, soundHz);
  const beginning = samples.subarray(0, soundHz * soundSeconds);
  const bytes = encodeWav({ sampleRateHz: soundHz, channels: [beginning] });
  budget.bytes -= bytes.length;
  const whole = beginning.length === samples.length;
  const length = `${(samples.length / soundHz).toFixed(1)} seconds`;
  return { media: player(bytes, 'audio/wav', `The sound, ${whole ? '' : `the first ${soundSeconds} of `}${length}`) };
}

/** Undefined: it is small enough. */
function fitInto({ width, height }: Size) {
  const scale = longestSide / Math.max(width, height);
  if (scale >= 1) return undefined;
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  return { width: side(width), height: side(height), kernel: 'lanczos3' as const };
}

function renderValue(inputs: unknown): Html {
  if (typeof inputs === 'string') return quote(inputs);
  if (typeof inputs !== 'object' || inputs === null) return quote(JSON.stringify(inputs) ?? 'nothing');
  const row = Array.isArray(inputs) && inputs.length === 1 ? Object(inputs[0]) : inputs;
  const columns = Object.entries(row).slice(0, mostColumns);
  const cells = columns.map(
    ([name, value]) => html`<dt>${isolate(name, 40)}</dt><dd>${isolate(render(value), 300)}</dd>`,
  );
  return html`<dl class="row">${cells}</dl>`;
}

function render(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function quote(text: string): Html {
  return html`<blockquote><bdi>${shorten(text, mostCharacters)}</bdi></blockquote>`;
}
