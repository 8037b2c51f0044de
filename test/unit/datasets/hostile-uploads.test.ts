import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { tar } from '../../../functions/archives/tar.ts';
import { encodeImage } from '../../../functions/media/image.ts';
import { formulaPicture } from '../../pictures.ts';
import { writeZip } from '../../zip-file.ts';
import { createDatasetWorld } from './dataset-world.ts';

const png = (size: number) => encodeImage(formulaPicture(size, size, 3), 'png');

/** Counts of a data set of pictures in label folders. */
async function prepare(files: Record<string, Uint8Array | string>) {
  const world = createDatasetWorld();
  world.upload('d', { task: 'image-classification' }, files);
  await world.work();
  return world;
}

test('of archives that lie, what is sound is kept and the rest is dropped with its reason', async () => {
  const good = await png(8);
  const zip = writeZip([
    { name: 'cat/good.png', data: good, deflate: true },
    { name: '../../etc/cat/up.png', data: good },
    { name: '/cat/absolute.png', data: good },
    { name: 'cat/a\\b.png', data: good },
    { name: 'cat/secret.png', data: good, flags: 1 },
    { name: 'cat/lzma.png', data: good, method: 14 },
    { name: 'cat/bomb.png', data: Buffer.alloc(3_000_000), deflate: true },
    { name: 'cat/lies.png', data: await png(9), deflate: true, size: 10 },
    { name: 'cat/elsewhere.png', data: await png(10), start: 3 },
    { name: 'cat/huge.png', data: Buffer.from('x'), deflate: true, size: 0xfffffff0 },
    { name: 'cat/inner.zip', data: writeZip([]) },
    { name: `cat/${'n'.repeat(2000)}.png`, data: good },
    { name: 'cat/empty.png', data: Buffer.alloc(0) },
  ]);
  const world = await prepare({ 'a.zip': zip });
  assert.deepEqual(world.manifest('d').counts, {
    in: 13,
    kept: 1,
    augmented: 0,
    dropped: {
      'unsafe-path': 4,
      encrypted: 1,
      'unreadable-archive': 2,
      'too-large': 3,
      'nested-archive': 1,
      empty: 1,
    },
  });
  assert.equal((await world.records('d'))[0]!.source, 'raw/d/a.zip!cat/good.png');
});

test('a damaged archive does not take the others with it', async () => {
  const files = { 'ok/cat/1.png': await png(8) };
  const archive = tar([
    { path: 'cat/2.png', data: await png(9) },
    { path: 'cat/3.png', data: await png(10) },
  ]);
  const bad = {
    'cut.tar': archive.subarray(0, 800),
    'cut.tar.gz': gzipSync(archive).subarray(0, 100),
    'bomb.tar.gz': gzipSync(Buffer.alloc(30_000_000)),
    'no.zip': 'PK\x03\x04 no zip',
    'no.tar': 'x'.repeat(2000),
    'overlap.zip': writeZip(
      Array.from({ length: 30 }, (_, at) => ({ name: `cat/${at}.png`, data: Buffer.alloc(900, 'x'), start: 0 })),
    ).subarray(0),
    'no.parquet': 'PAR1 no parquet PAR1',
    'no.csv': '\n\n',
    'twice.csv': 'a,a\n1,2\n',
  };
  const world = await prepare({ ...files, ...bad });
  const { kept, dropped } = world.manifest('d').counts;
  assert.equal(kept, 1);
  const {
    'unreadable-archive': archives,
    'too-large': bombs,
    undecodable = 0,
    'broken-row': tables,
    ...others
  } = dropped;
  assert.ok(archives! >= 4, JSON.stringify(dropped));
  assert.deepEqual([bombs, tables, Object.keys(others)], [1, 2, []]);
  assert.ok(undecodable >= 1);
});

test('rows of every kind of nonsense are dropped one by one', async () => {
  const world = createDatasetWorld();
  const lines = [
    JSON.stringify({ text: 'good', label: 'a' }),
    '[1,2]',
    'null',
    '"text"',
    '{"text": "open',
    JSON.stringify({ text: 7, label: { a: 1 } }),
    JSON.stringify({ text: null, label: 'a' }),
    JSON.stringify({ text: '   ', label: 'a' }),
    JSON.stringify({ label: 'a' }),
    `{"text":"deep","label":"a","more":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
    '{"text":"__proto__","label":"__proto__","__proto__":{"text":"x"}}',
  ];
  const broken = Buffer.concat([Buffer.from('{"text":"'), Buffer.of(0xff, 0xfe), Buffer.from('","label":"a"}\n')]);
  world.upload(
    'd',
    { task: 'text-classification' },
    { 'a.jsonl': Buffer.concat([Buffer.from(`${lines.join('\n')}\n`), broken]) },
  );
  await world.work();
  assert.deepEqual(world.manifest('d').counts.dropped, {
    'broken-row': 4,
    'bad-label': 1,
    'no-inputs': 2,
    empty: 1,
    undecodable: 1,
  });
  const kept = (await world.records('d')).map(({ inputs, label }) => [inputs, label]);
  assert.deepEqual(kept.sort(), [
    ['__proto__', '__proto__'],
    ['deep', 'a'],
    ['good', 'a'],
  ]);
});

test('the page shows names and texts of any kind as text', async () => {
  const world = createDatasetWorld();
  const evil = `"><script>alert('x')</script><img src=x onerror=alert(1)>`;
  const rows = Array.from({ length: 20 }, (_, at) =>
    JSON.stringify({ text: `${evil} ${at}`, label: `${evil}${at % 2}` }),
  );
  world.upload(
    'd',
    { task: 'text-classification', description: evil },
    { [`${evil}.jsonl`]: rows.join('\n'), 'x.csv': `text,label,${evil}\n1\n`, 'y.csv': 'text,label\n1\n' },
  );
  await world.work();
  const page = String(world.objects.get('prepared/d/profile.html')!.body);
  assert.doesNotMatch(page, /<script|<img src=x/i);
  assert.match(page, /&lt;script&gt;/);
  assert.match(page, /Content-Security-Policy" content="default-src &#39;none&#39;/);
  assert.ok(page.length < 200_000);
});
