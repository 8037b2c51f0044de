import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { GenerationRequest } from '../../functions/generation/generation.ts';
import { createGenerator } from '../../functions/host/answer-generate-event.ts';
import { createModelHost } from '../../functions/host/create-model-host.ts';
import type { GenerateLine } from '../../functions/host/generate-event.ts';
import type { InferRequest } from '../../functions/inference/protocol.ts';
import { parseCsv } from '../../functions/media/csv.ts';
import { type Model, type ModelVersion, modelManifestSchema } from '../../functions/registry/model-manifest.ts';
import { packageSource } from '../../functions/registry/package-source.ts';
import { proveGolden } from '../../functions/registry/prove-golden.ts';
import { readAssets } from '../../functions/registry/read-assets.ts';
import { parseModelFileKey } from '../../functions/storage/object-keys.ts';
import type { ClassificationScore } from '../../functions/tasks/classification.ts';
import { findTask } from '../../functions/tasks/index.ts';
import { runTask } from '../../functions/tasks/task.ts';
import { writePng } from '../pictures.ts';
import { writeWav } from '../wav.ts';

const models = new URL('../../models/', import.meta.url);
const data = new URL('../../../shared/data/digits/', import.meta.url);
const absent = existsSync(data) ? false : '../shared/data/digits is not here';
const speech = new URL('../../../shared/data/speech/spoken-digits-train.tar.xz', import.meta.url);
const mute = existsSync(speech) ? false : '../shared/data/speech is not here';
const host = createModelHost({ cacheBytes: 10_000_000 });
after(() => host.close());
const soon = () => Date.now() + 60_000;

async function readArtifact(key: string): Promise<Buffer> {
  const { model, path } = parseModelFileKey(key)!;
  return readFile(new URL(`${model}/${path}`, models));
}

async function openModel(name: string): Promise<Model> {
  const manifest = modelManifestSchema.parse(JSON.parse(readFileSync(new URL(`${name}/model.json`, models), 'utf8')));
  const metadata = await host.describe(packageSource(manifest, readArtifact), soon());
  return { manifest, ...metadata, assets: await readAssets(manifest, readArtifact) };
}

/** What `POST /models/{model}` answers. */
async function ask(model: Model, inputs: unknown): Promise<unknown> {
  const task = findTask(model.manifest.task)!;
  const input = task.input.parse({ inputs });
  return runTask(task, input, model, async (request) => (await infer(model, request, soon())).response);
}

async function infer({ manifest }: ModelVersion, request: InferRequest, deadline: number) {
  const { outputs } = await host.infer(packageSource(manifest, readArtifact), request, deadline);
  return { response: { model_name: manifest.name, model_version: '1', outputs } };
}

const generator = createGenerator(host, readArtifact);
async function* generate({ manifest }: ModelVersion, request: GenerationRequest, deadline: number) {
  for await (const text of generator({ operation: 'generate', manifest, deadline, request })) {
    const line = JSON.parse(text) as GenerateLine;
    assert.ok(line.kind !== 'error', text);
    yield line;
  }
}

/** The figures of the rows of a card's tables that begin with this cell. */
function statedIn(name: string, cell: string): number[] {
  const card = readFileSync(new URL(`${name}/README.md`, models), 'utf8');
  const row = card.split('\n').find((line) => line.startsWith(`| ${cell} `));
  assert.ok(row, `the card of ${name} has no row ${cell}`);
  return row.split('|').slice(2, -1).map(Number);
}

for (const name of ['digits', 'sentiment', 'keywords', 'digit-strings', 'wine', 'storyteller']) {
  test(`${name} answers its golden inputs as Python did`, async () => {
    const model = await openModel(name);
    assert.ok(model.manifest.golden.length >= 3);
    await proveGolden(model, { readArtifact, infer, generate }, soon());
  });

  test(`the files of ${name} are the ones that its model.json names`, async () => {
    const { manifest } = await openModel(name);
    for (const [path, { sha256, size }] of Object.entries(manifest.files)) {
      const bytes = readFileSync(new URL(`${name}/${path}`, models));
      const digest = createHash('sha256').update(bytes).digest('hex');
      assert.deepEqual([path, digest, bytes.length], [path, sha256, size]);
    }
  });
}

/** Pictures and labels of the digits that `digits` was not trained on. */
function heldOutDigits(): { pixels: Uint8Array; label: string }[] {
  const images = gunzipSync(readFileSync(new URL('images-idx3-ubyte.gz', data)));
  const labels = gunzipSync(readFileSync(new URL('labels-idx1-ubyte.gz', data)));
  return Array.from({ length: 500 }, (_, index) => {
    const offset = 16 + (1500 + index) * 784;
    return { pixels: images.subarray(offset, offset + 784), label: String(labels[8 + 1500 + index]) };
  });
}

for (const polarity of ['light on dark', 'dark on light']) {
  test(`digits reads held-out digits, ${polarity}, as well as its card says`, { skip: absent }, async () => {
    const model = await openModel('digits');
    const [stated] = statedIn('digits', `${polarity}, 28x28 grey`);
    const right = await Promise.all(
      heldOutDigits().map(async ({ pixels, label }) => {
        const raw = polarity === 'light on dark' ? pixels : pixels.map((level) => 255 - level);
        const rows = Array.from({ length: 28 }, (_, y) => raw.subarray(28 * y, 28 * y + 28));
        const png = writePng({ width: 28, height: 28, bits: 8, colourType: 0 }, rows);
        const [best] = (await ask(model, new Uint8Array(png))) as ClassificationScore[];
        return best!.label === label;
      }),
    );
    assert.equal(right.filter(Boolean).length / right.length, stated);
    assert.ok(stated! >= 0.96);
  });
}

test('wine tells the varieties of wines that it has not seen, measured in full or not, as well as its card says', async () => {
  const model = await openModel('wine');
  const wines = parseCsv(readFileSync(new URL('wine/held-out.csv', models), 'utf8'));
  const { columns } = model.manifest.preprocessing as { columns: { name: string }[] };
  const accuracy = async (rows: Record<string, string>[]) => {
    const answers = (await ask(model, rows)) as ClassificationScore[][];
    return answers.filter(([best], row) => best!.label === rows[row]!.variety).length / rows.length;
  };
  const unmeasured = columns.flatMap(({ name }) => wines.map((wine) => ({ ...wine, [name]: '' })));
  assert.deepEqual(
    [await accuracy(wines), await accuracy(unmeasured)].map((share) => share.toFixed(4)),
    [
      statedIn('wine', 'not seen in training'),
      statedIn('wine', 'the same, each of the 13 columns missing in turn'),
    ].map(([share]) => share!.toFixed(4)),
  );
});

interface Clip {
  readonly name: string;
  readonly digit: string;
  readonly speaker: string;
  readonly take: number;
  readonly file: Uint8Array;
}

/** Recordings of spoken digits in the order of their names, out of an archive that `tar` unpacks. */
function spokenDigits(): Clip[] {
  const folder = mkdtempSync(join(tmpdir(), 'lambent-speech-'));
  try {
    execFileSync('tar', ['xJf', fileURLToPath(speech), '-C', folder]);
    const names = readdirSync(join(folder, 'recordings')).sort();
    return names.map((name) => {
      const [digit, speaker, take] = name.replace('.wav', '').split('_') as [string, string, string];
      const file = new Uint8Array(readFileSync(join(folder, 'recordings', name)));
      return { name, digit, speaker, take: Number(take), file };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The clips that the speech models have not heard, as their cards name them. */
function unheardClips(): Record<string, Clip[]> {
  const clips = spokenDigits();
  const others = clips.filter(({ speaker }) => speaker !== 'yweweler');
  return {
    'of yweweler, who was not heard in training': clips.filter(({ speaker }) => speaker === 'yweweler'),
    'takes 15 to 17 of the others': others.filter(({ take }) => take >= 15),
  };
}

test('keywords hears the digits of a new speaker, and later takes, as well as its card says', {
  skip: mute,
}, async () => {
  const model = await openModel('keywords');
  for (const [cell, clips] of Object.entries(unheardClips())) {
    let right = 0;
    for (const { digit, file } of clips) {
      const [best] = (await ask(model, file)) as ClassificationScore[];
      if (best!.label === digit) right++;
    }
    assert.deepEqual([clips.length, rounded(right / clips.length)], statedIn('keywords', cell));
  }
});

/** The sounds that digit-strings is measured by, and their texts: the rule is that of its training script. */
function spokenStrings(clips: Clip[]): { file: Uint8Array; text: string }[] {
  const strings: { file: Uint8Array; text: string }[] = [];
  for (const speaker of [...new Set(clips.map((clip) => clip.speaker))].sort()) {
    const own = clips.filter((clip) => clip.speaker === speaker);
    for (let first = 0; first < own.length; first += 5) {
      const chosen = Array.from({ length: 5 }, (_, index) => own[(37 * (first + index)) % own.length]!);
      const pause = Buffer.alloc((2 * 8000 * (1 + (strings.length % 4))) / 20);
      const pieces = chosen.flatMap(({ file }) => [file.subarray(44), pause]);
      const file = writeWav(Buffer.concat([pause, ...pieces]), { sampleRateHz: 8000 });
      strings.push({ file, text: chosen.map(({ digit }) => digit).join(' ') });
    }
  }
  return strings;
}

/** Digits to insert, delete or replace. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 0; i < one.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j++) {
      next.push(Math.min(row[j]! + Number(one[i] !== other[j]), row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}

test('digit-strings writes down a new speaker, and later takes, as well as its card says', { skip: mute }, async () => {
  const model = await openModel('digit-strings');
  for (const [cell, clips] of Object.entries(unheardClips())) {
    const strings = spokenStrings(clips);
    let errors = 0;
    let right = 0;
    for (const { file, text } of strings) {
      const answer = (await ask(model, file)) as { text: string };
      errors += distance(answer.text.replaceAll(' ', ''), text.replaceAll(' ', ''));
      if (answer.text === text) right++;
    }
    const measured = [strings.length, rounded(errors / (5 * strings.length)), rounded(right / strings.length)];
    assert.deepEqual(measured, statedIn('digit-strings', cell));
  }
});

function rounded(share: number): number {
  return Number(share.toFixed(4));
}
