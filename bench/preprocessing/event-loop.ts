import sharp from 'sharp';
import { type Model, modelManifestSchema } from '../../functions/registry/model-manifest.ts';
import { tasks } from '../../functions/tasks/index.ts';
import type { TaskName } from '../../functions/tasks/task-names.ts';
import { runOffLoop } from '../../functions/threads/run-off-loop.ts';
import { random } from '../random.ts';
import { type Goal, goal, table } from '../report.ts';

interface Work {
  readonly name: string;
  readonly task: TaskName;
  readonly input: unknown;
  readonly model: Model;
}

/** How long the event loop is held up while large inputs are prepared, by its thread's CPU time: others do not count. */
export async function eventLoop(rounds: number): Promise<{ goals: Goal[]; text: string }> {
  const works = [await photo(), sound(), text()];
  const rows: string[][] = [];
  let longest = 0;
  for (const work of works) {
    const answer = async () => void (await runOffLoop(work.task, work.input, work.model, async () => response));
    await answer();
    const { turn, milliseconds } = await watch(async () => {
      for (let round = 0; round < rounds; round++) await answer();
    });
    rows.push([work.name, (milliseconds / rounds).toFixed(0), turn.toFixed(1)]);
    longest = Math.max(longest, turn);
  }
  return {
    goals: [goal('longest turn of the event loop while inputs are prepared', { most: 10 }, longest, ' ms')],
    text: `Milliseconds that a task takes without its model, and the longest turn of the caller's event loop meanwhile (CPU time of its thread).

${table(['', 'the task', 'longest turn'], rows)}`,
  };
}

const response = {
  model_name: 'm',
  model_version: '1',
  outputs: [{ name: 'logits', datatype: 'FP32', shape: [1, 2], data: new Uint8Array(8) }],
} as const;

/** The longest turn of the event loop while `work` is done. Garbage collection of this process counts. */
async function watch(work: () => Promise<void>): Promise<{ turn: number; milliseconds: number }> {
  let turn = 0;
  let done = false;
  let last = process.threadCpuUsage();
  const tick = () => {
    const now = process.threadCpuUsage();
    turn = Math.max(turn, (now.user - last.user + now.system - last.system) / 1000);
    last = now;
    if (!done) setTimeout(tick);
  };
  tick();
  const started = performance.now();
  await work();
  const milliseconds = performance.now() - started;
  await new Promise((resolve) => setTimeout(resolve, 20));
  done = true;
  return { turn, milliseconds };
}

function model(task: TaskName, manifest: object, input: Model['inputs'][number], assets: Model['assets'] = {}): Model {
  const parsed = modelManifestSchema.parse({
    name: 'm',
    version: '1',
    files: {},
    labels: ['no', 'yes'],
    task,
    ...manifest,
  });
  return { manifest: parsed, inputs: [input], outputs: [], assets };
}

async function photo(): Promise<Work> {
  const next = random(4);
  const coarse = Buffer.from(Array.from({ length: 80 * 60 * 3 }, () => Math.floor(next() * 256)));
  const jpeg = await sharp(coarse, { raw: { width: 80, height: 60, channels: 3 } })
    .resize(4000, 3000)
    .jpeg()
    .toBuffer();
  const name = 'image-classification';
  const preprocessing = { size: 224, resample: 3, image_mean: 0.5, image_std: 0.5 };
  const input = { name: 'pixel_values', datatype: 'FP32', shape: [-1, 3, 224, 224] } as const;
  const parsed = tasks[name].input.parse({ inputs: new Uint8Array(jpeg) });
  return { name: 'photo of 12 megapixels', task: name, input: parsed, model: model(name, { preprocessing }, input) };
}

function sound(): Work {
  const bytes = Buffer.alloc(44 + 30 * 44_100 * 2);
  bytes.write('RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0', 'latin1');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.writeUInt32LE(44_100, 24);
  bytes.writeUInt32LE(88_200, 28);
  bytes.set([2, 0, 16, 0], 32);
  bytes.write('data', 36);
  bytes.writeUInt32LE(bytes.length - 44, 40);
  const next = random(6);
  for (let at = 44; at < bytes.length; at += 2) bytes.writeInt16LE(Math.floor((next() - 0.5) * 20_000), at);
  const name = 'audio-classification';
  const preprocessing = { feature_extractor_type: 'WhisperFeatureExtractor' };
  const input = { name: 'input_features', datatype: 'FP32', shape: [1, 80, 3000] } as const;
  const parsed = tasks[name].input.parse({ inputs: new Uint8Array(bytes) });
  return {
    name: 'sound of 30 s at 44.1 kHz → log-mel',
    task: name,
    input: parsed,
    model: model(name, { preprocessing }, input),
  };
}

function text(): Work {
  const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'good', 'bad', '##ly'];
  const tokenizer = {
    added_tokens: [],
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordPiece',
      ...{ unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100 },
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
    },
  };
  const name = 'text-classification';
  const input = { name: 'input_ids', datatype: 'INT64', shape: [1, -1] } as const;
  const parsed = tasks[name].input.parse({ inputs: 'goodly bad good badly, '.repeat(4000) });
  return {
    name: 'text of 92 kB',
    task: name,
    input: parsed,
    model: model(name, {}, input, { 'tokenizer.json': tokenizer }),
  };
}
