import { crc32, deflateSync } from 'node:zlib';
import { type ErrorCode, ServiceError } from '../errors.ts';
import { zeroTensors } from '../inference/zero-tensors.ts';
import type { Services } from '../services.ts';
import { tasks } from '../tasks/index.ts';
import { type Infer, runTask } from '../tasks/task.ts';
import type { Model } from './model-manifest.ts';
import { refusal } from './parse-manifest.ts';

/** What a model may take for one small input. */
const trialMilliseconds = 30_000;

/**
 * Lets a trial input go the whole way through the task: a grey picture, a second of silence, a sentence; without a task
 * zeros go through the graph. Throws invalid_request where preprocessing, the graph and postprocessing do not fit together,
 * and where the graph needs more memory or time than there is.
 */
export async function tryTask(model: Model, effects: Pick<Services, 'infer'>, deadline: number): Promise<void> {
  const { task: name } = model.manifest;
  const until = Math.min(deadline, Date.now() + trialMilliseconds);
  const infer: Infer = async (request) => (await effects.infer(model, request, until)).response;
  // Zeros need not be what a graph takes, e.g. as its sample rate; preprocessing makes what it takes.
  if (!name)
    return await attempt(() => infer({ inputs: zeroTensors(model.inputs) }), 'a trial with zeros', ['model_failed']);
  const task = tasks[name];
  const input = task.input.safeParse({ inputs: trialInput(name, task.rawBody) });
  // A task that takes more than one text or file has nothing to be tried with.
  if (!input.success) return;
  const run = () => runTask(task, input.data, model, infer);
  await attempt(run, `the task ${name} does not fit the model: a trial of it`, [
    'model_failed',
    'model_rejected_input',
  ]);
}

/** Throws invalid_request where `run` fails with one of `codes` or does not end; another refusal is about the trial input. */
async function attempt(run: () => Promise<unknown>, what: string, codes: readonly ErrorCode[]): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (codes.includes(error.code)) throw refusal(`${what} failed: ${error.message}`, error);
    if (error.code === 'deadline_exceeded') throw refusal(`${what} did not end: ${error.message}`, error);
    if (error.retryable) throw error;
  }
}

function trialInput(name: string, rawBody: 'bytes' | 'text'): unknown {
  if (rawBody === 'text') return 'This is a sentence.';
  return new Uint8Array(/audio|speech/.test(name) ? silence() : greyPicture());
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
