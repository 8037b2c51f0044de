import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { tar } from '../../../functions/archives/tar.ts';
import { encodeImage } from '../../../functions/media/image.ts';
import { formulaPicture } from '../../pictures.ts';
import { writeWav } from '../../wav.ts';
import { writeZip } from '../../zip-file.ts';
import { createDatasetWorld } from './dataset-world.ts';

type Files = Readonly<Record<string, Uint8Array | string>>;

/** What becomes of uploads without a word about them: label and inputs by source, and counts of what was dropped. */
async function prepare(definition: object, files: Files) {
  const world = createDatasetWorld();
  world.upload('d', definition, files);
  await world.work();
  const records = await world.records('d');
  const found = records.map(
    ({ source, label, inputs, group }) => [source.replace('raw/d/', ''), { label, inputs, group }] as const,
  );
  return { found: Object.fromEntries(found.sort()), world, dropped: world.manifest('d').counts.dropped };
}

const texts = { task: 'text-classification' };
const rows = [
  { text: 'one "quoted", text', label: 'a' },
  { text: 'two\nlines — 🐈', label: 'b' },
  { text: 'three', label: 'a' },
];
const csv = (separator: string) =>
  ['text,label', '"one ""quoted"", text",a', '"two\nlines — 🐈",b', 'three,a']
    .join('\r\n')
    .replaceAll(/,(?=[ab]|label)/g, separator);

test('the same rows come out of JSONL, CSV with any separator, Parquet, gzip, and tables inside tar and zip', async () => {
  const jsonl = rows.map((row) => JSON.stringify(row)).join('\n');
  const columns = ['text', 'label'] as const;
  const columnData = columns.map((name) => ({ name, data: rows.map((row) => row[name]) }));
  const parquet = new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 2 }));
  const forms: Files = {
    'x.jsonl': `\ufeff${jsonl}`,
    'x.ndjson.gz': gzipSync(jsonl),
    'x.csv': `\ufeff${csv(',')}\r\n`,
    'semicolon.csv': csv(';'),
    'x.tsv': csv('\t'),
    'x.csv.gz': gzipSync(csv(',')),
    'x.parquet': parquet,
    'x.tar': tar([{ path: './inner/x.csv', data: Buffer.from(csv(',')) }]),
    'x.tgz': gzipSync(tar([{ path: 'x.jsonl', data: Buffer.from(jsonl) }])),
    'x.zip': writeZip([
      { name: 'x.csv', data: Buffer.from(csv(',')), deflate: true },
      { name: 'x.parquet', data: parquet },
    ]),
  };
  for (const [path, file] of Object.entries(forms)) {
    const { found } = await prepare({ ...texts, clean: { duplicates: false } }, { [path]: file });
    const [, ...values] = [undefined, ...Object.values(found)];
    const expected = path === 'x.zip' ? [...rows, ...rows] : rows;
    const given = values.map((value) => ({ text: value!.inputs, label: value!.label }));
    assert.deepEqual(given, expected, path);
  }
});

const picture = (size: number) => encodeImage(formulaPicture(size, size, 3), 'png');

test('files in label folders are alike as objects and in archives, and folders may be nested', async () => {
  const files = {
    'x/cat/1.png': await picture(9),
    'x/cat/2.png': await picture(10),
    'y/z/dog/1.png': await picture(11),
  };
  const entries = Object.entries(files).map(([path, data]) => ({ path, data }));
  const zipped = writeZip(entries.map(({ path, data }) => ({ name: path, data, deflate: true })));
  const forms: Files[] = [
    files,
    { 'a.tar': tar(entries) },
    { 'b.tar.gz': gzipSync(tar(entries)) },
    { 'c.zip': zipped },
  ];
  for (const form of forms) {
    const { found } = await prepare(
      { task: 'image-classification' },
      { ...form, '.DS_Store': 'x', 'x/cat/._1.png': 'x' },
    );
    const labels = Object.entries(found).map(([source, { label }]) => [source.replace(/^.*!/, ''), label]);
    assert.deepEqual(labels, [
      ['x/cat/1.png', 'cat'],
      ['x/cat/2.png', 'cat'],
      ['y/z/dog/1.png', 'dog'],
    ]);
  }
});

test('labels and groups stand in file names, beside files, in tables and in columns', async () => {
  const sound = (level: number) => writeWav(new Uint8Array(new Int16Array(1600).fill(level).buffer));
  const recordings = { 'r/7_ann_0.wav': sound(1), 'r/3_bob_1.wav': sound(2) };
  const expected = { 'r/3_bob_1.wav': ['3', 'bob'], 'r/7_ann_0.wav': ['7', 'ann'] };
  const sounds = { task: 'audio-classification' };
  const table = { from: 'table', file: 'labels.csv' };
  const beside = { from: 'sidecar', ending: '.json' };
  const cases: [object, Files][] = [
    [{ inputs: { files: 'r/{label}_{group}_*.wav' } }, {}],
    [
      { label: { ...table, column: 'digit' }, group: { ...table, column: 'who' } },
      { 'labels.csv': 'file,digit,who\n7_ann_0.wav,7,ann\nr/3_bob_1.wav,3,bob\nelse.wav,1,eve\n' },
    ],
    [
      { label: { ...beside, field: 'digit' }, group: { ...beside, field: 'person.name' } },
      {
        'r/7_ann_0.json': JSON.stringify({ digit: 7, person: { name: 'ann' } }),
        'r/3_bob_1.wav.json': JSON.stringify({ digit: '3', person: { name: 'bob' } }),
      },
    ],
  ];
  for (const [definition, more] of cases) {
    const { found } = await prepare({ ...sounds, ...definition }, { ...recordings, ...more });
    const seen = Object.entries(found).map(([source, { label, group }]) => [source, [label, group]]);
    assert.deepEqual(Object.fromEntries(seen), expected);
  }
  const webDataset = tar([
    { path: '000/a.cls', data: Buffer.from('7\n') },
    { path: '000/a.wav', data: sound(1) },
    { path: '000/b.wav', data: sound(2) },
    { path: '000/b.cls', data: Buffer.from('3') },
  ]);
  const { found } = await prepare({ ...sounds, label: { from: 'sidecar', ending: '.cls' } }, { 'x.tar': webDataset });
  assert.deepEqual(
    Object.values(found).map(({ label }) => label),
    ['7', '3'],
  );
});

test('files in columns are read as bytes of Parquet and as base64, and several labels of a row are told apart', async () => {
  const [a, b] = [await picture(12), await picture(13)];
  const columnData = [
    {
      name: 'image',
      data: [
        { bytes: a, path: 'a.png' },
        { bytes: b, path: null },
      ],
    },
    { name: 'tags', data: ['x;y', 'y'] },
  ];
  const schema = [
    { name: 'root', num_children: 2 },
    { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' as const },
    { name: 'bytes', type: 'BYTE_ARRAY' as const, repetition_type: 'OPTIONAL' as const },
    {
      name: 'path',
      type: 'BYTE_ARRAY' as const,
      converted_type: 'UTF8' as const,
      repetition_type: 'OPTIONAL' as const,
    },
    {
      name: 'tags',
      type: 'BYTE_ARRAY' as const,
      converted_type: 'UTF8' as const,
      repetition_type: 'OPTIONAL' as const,
    },
  ];
  const base64 = { image: Buffer.from(await picture(14)).toString('base64'), tags: ['z', 'z', 'x'] };
  const { found } = await prepare(
    { task: 'image-classification', label: { from: 'column', column: 'tags', separator: ';' } },
    { 'a.parquet': new Uint8Array(parquetWriteBuffer({ columnData, schema })), 'b.jsonl': JSON.stringify(base64) },
  );
  assert.deepEqual(
    Object.values(found).map(({ label }) => label),
    [['x', 'y'], ['y'], ['z', 'x']],
  );
  assert.deepEqual(Buffer.from(found['a.parquet row 1']!.inputs as Uint8Array), Buffer.from(a));
});

test('rows of a table keep their types; chosen, renamed and dropped columns are what a model is given', async () => {
  const table = 'Age,City,Price,Sold,target\n31,Rome,"1.5",yes,9\n,Oslo,2.5,no,8\n40,Bonn,x,no,7\n';
  const { found, dropped, world } = await prepare(
    {
      task: 'tabular-regression',
      label: { from: 'column', column: 'target' },
      transform: {
        columns: { rename: { Age: 'age' }, drop: ['City'], types: { age: 'number', Price: 'number', Sold: 'boolean' } },
      },
    },
    { 'houses.csv': table },
  );
  assert.deepEqual(found, {
    'houses.csv row 1': { label: 9, inputs: { age: 31, Price: 1.5, Sold: true }, group: undefined },
    'houses.csv row 2': { label: 8, inputs: { age: null, Price: 2.5, Sold: false }, group: undefined },
  });
  assert.deepEqual(dropped, { 'broken-row': 1 });
  assert.equal(world.manifest('d').statistics.measures['column Price']!.mean, 2);
});

test('a long file of lines is read in parts, each line once', async () => {
  const lines = Array.from({ length: 20_000 }, (_, index) =>
    JSON.stringify({ text: `${'x'.repeat(1000)} ${index}`, label: 'a' }),
  );
  const { world } = await prepare(texts, { 'a.jsonl': lines.join('\n') });
  const { counts, splits } = world.manifest('d');
  assert.deepEqual(counts, { in: 20_000, kept: 20_000, augmented: 0, dropped: {} });
  assert.ok(splits.train!.shards.length >= 16);
  assert.ok(splits.train!.shards.every(({ records }) => records <= 1000));
  const sources = new Set((await world.records('d')).map(({ source }) => source));
  assert.equal(sources.size, 20_000);
  assert.ok([...world.objects.keys()].filter((key) => /units\/done/.test(key)).length > 2, 'several units');
});
