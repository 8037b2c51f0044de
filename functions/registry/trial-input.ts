import { crc32, deflateSync } from 'node:zlib';
import { type Column, readTable } from '../tasks/table-columns.ts';
import type { TaskName } from '../tasks/task-names.ts';
import { readTokenizer } from '../tasks/text-input.ts';
import type { Model } from './model-manifest.ts';

const sentence = 'This is a sentence.';

/**
 * A small input of the task, `{ inputs, parameters }`, that any model of this task takes: a grey picture, a second of
 * silence, a sentence, a row of a table. Throws model_failed where the package lacks what such an input is made of.
 */
export function trialInput(task: TaskName, model: Model): unknown {
  switch (task) {
    case 'fill-mask':
      return { inputs: `This is a ${readTokenizer(model).maskToken?.content ?? ''} sentence.` };
    case 'question-answering':
      return { inputs: { question: 'What is this?', context: sentence } };
    case 'zero-shot-classification':
      return { inputs: sentence, parameters: { candidate_labels: ['language', 'cooking'] } };
    case 'sentence-similarity':
      return { inputs: { source_sentence: sentence, sentences: [sentence, 'That is another one.'] } };
    case 'tabular-classification':
    case 'tabular-regression':
      return { inputs: [Object.fromEntries(readTable(model).columns.map((column) => [column.name, usual(column)]))] };
    case 'text-classification':
    case 'token-classification':
    case 'feature-extraction':
      return { inputs: sentence };
    case 'audio-classification':
    case 'automatic-speech-recognition':
      return { inputs: new Uint8Array(silence()) };
    default:
      return { inputs: new Uint8Array(greyPicture()) };
  }
}

function usual(column: Column): string | number {
  if (column.kind === 'numeric') return column.mean;
  return column.kind === 'categorical' ? column.categories[0]! : sentence;
}

/** A WAV file: one second at 16 kHz, 16 bits. Source: RIFF WAVE. */
function silence(): Buffer {
  const samples = Buffer.alloc(2 * 16_000);
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(16_000, 24);
  header.writeUInt32LE(32_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}

/** A PNG of 64×64 grey pixels. Source: PNG specification, 5.3 and 11.2. */
function greyPicture(): Buffer {
  const size = 64;
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header[8] = 8;
  const rows = Buffer.alloc(size * (size + 1), 128);
  for (let row = 0; row < size; row++) rows[row * (size + 1)] = 0;
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
