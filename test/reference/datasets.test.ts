import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { encodeImage } from '../../functions/media/image.ts';
import { createDatasetWorld } from '../unit/datasets/dataset-world.ts';
import { writeZip } from '../zip-file.ts';

const data = new URL('../../../shared/data/', import.meta.url);
const absent = existsSync(data) ? false : '../shared/data is not here';
const gunzipped = (path: string) => gunzipSync(readFileSync(new URL(path, data)));

test('handwritten digits in label folders of a zip are all kept, and every split has all ten', {
  skip: absent,
}, async () => {
  const pixels = gunzipped('digits/images-idx3-ubyte.gz').subarray(16);
  const labels = gunzipped('digits/labels-idx1-ubyte.gz').subarray(8);
  const file = async (index: number) => {
    const picture = {
      width: 28,
      height: 28,
      channels: 1 as const,
      data: pixels.subarray(784 * index, 784 * (index + 1)),
    };
    return { name: `digits/${labels[index]}/${index}.png`, data: await encodeImage(picture, 'png') };
  };
  const files = await Promise.all(Array.from(labels, (_, index) => file(index)));
  const world = createDatasetWorld();
  world.upload('digits', { task: 'image-classification' }, { 'digits.zip': writeZip(files) });
  await world.work();
  const { counts, splits, statistics } = world.manifest('digits');
  assert.deepEqual(counts, { in: labels.length, kept: labels.length, augmented: 0, dropped: {} });
  assert.deepEqual(
    Object.values(splits).map(({ records }) => records),
    [1600, 200, 200],
  );
  for (const digit of '0123456789') {
    const total = labels.filter((label) => String(label) === digit).length;
    const [train, ...others] = Object.values(statistics.labels).map((split) => split[digit]!);
    assert.ok(Math.abs(train! - 0.8 * total) <= 2 && others.every((count) => Math.abs(count - 0.1 * total) <= 2));
  }
});

test('spoken digits come as 16 kHz with label and speaker of their names, and no speaker stands in two splits', {
  skip: absent,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'lambent-speech-'));
  t.after(() => rm(folder, { recursive: true }));
  try {
    execFileSync('tar', ['-xJf', fileURLToPath(new URL('speech/spoken-digits-train.tar.xz', data)), '-C', folder]);
  } catch {
    return t.skip('tar or xz is not here');
  }
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.wav'));
  const files = Object.fromEntries(
    paths.map((path) => [`recordings/${path.split('/').at(-1)}`, readFileSync(join(folder, path))]),
  );
  const world = createDatasetWorld();
  const definition = {
    task: 'audio-classification',
    inputs: { files: 'recordings/{label}_{group}_*.wav' },
    transform: { sound: { sampleRateHz: 16_000, channels: 1 } },
  };
  world.upload('speech', definition, files);
  await world.work();
  const { counts, labels, splits } = world.manifest('speech');
  assert.deepEqual([counts.in, counts.kept, labels], [paths.length, paths.length, [...'0123456789']]);
  const speakers = new Map<string, string>();
  for (const split of Object.keys(splits)) {
    for (const { group, label, source, inputs } of await world.records('speech', split)) {
      assert.equal(source.split('/').at(-1)!.startsWith(`${label}_${group}_`), true);
      assert.equal(speakers.get(group!) ?? split, split);
      speakers.set(group!, split);
      assert.equal(Buffer.from(inputs as Uint8Array).readUInt32LE(24), 16_000);
    }
  }
  assert.ok(speakers.size >= 5 && new Set(speakers.values()).size === 3);
});

test('review sentences in JSON lines keep their text, and lose what was written down twice', {
  skip: absent,
}, async () => {
  const sentences = ['yelp', 'amazon_cells'].flatMap((name) =>
    readFileSync(new URL(`text/${name}_labelled.txt`, data), 'utf8')
      .trim()
      .split('\n'),
  );
  const rows = sentences.map((line) => ({ text: line.slice(0, line.lastIndexOf('\t')), label: line.trim().slice(-1) }));
  const world = createDatasetWorld();
  const labels = { map: { 0: 'negative', 1: 'positive' } };
  const definition = { task: 'text-classification', clean: { whitespace: 'trim' }, transform: { labels } };
  world.upload('text', definition, { 'reviews.jsonl': rows.map((row) => JSON.stringify(row)).join('\n') });
  await world.work();
  const { counts, labels: names } = world.manifest('text');
  assert.deepEqual([counts.in, names], [2000, ['negative', 'positive']]);
  const distinct = new Map(rows.map(({ text, label }) => [text.trim(), label]));
  const kept = new Map(
    (await world.records('text')).map(({ inputs, label }) => [inputs, label === 'positive' ? '1' : '0']),
  );
  const contradicting = new Set(
    rows.filter(({ text, label }) => distinct.get(text.trim()) !== label).map(({ text }) => text.trim()),
  );
  for (const text of contradicting) distinct.delete(text);
  assert.deepEqual(new Map([...kept].sort()), new Map([...distinct].sort()));
});
