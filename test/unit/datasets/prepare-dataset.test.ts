import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NoAnswer } from '../../../functions/no-answer.ts';
import { seededRandom } from '../../../functions/seeded-random.ts';
import { createDatasetWorld } from './dataset-world.ts';

const definition = {
  task: 'text-classification',
  clean: { whitespace: 'collapse', limits: { words: { min: 2 } } },
  augment: { copies: 2, text: { swap: 0.3, drop: 0.1 } },
};

/** Reviews in JSONL, CSV and files, some of them twice, some broken. */
function reviews(): Record<string, string> {
  const words = 'good bad fine awful phone battery film story love hate never always'.split(' ');
  const random = seededRandom('reviews');
  const text = () =>
    Array.from({ length: 1 + Math.floor(random() * 9) }, () => words[Math.floor(random() * 12)]).join(' ');
  const rows = Array.from({ length: 400 }, (_, index) => ({ text: text(), label: index % 3 === 0 ? 'bad' : 'good' }));
  const jsonl = rows.slice(0, 200).map((row) => JSON.stringify(row));
  const csv = rows.slice(200).map((row) => `"${row.text}",${row.label}`);
  const files = Array.from({ length: 60 }, (_, index) => [
    `folders/${index % 2 ? 'good' : 'bad'}/${index}.txt`,
    text(),
  ]);
  return {
    'a.jsonl': [...jsonl.slice(0, 50), 'no JSON', '', ...jsonl.slice(50), jsonl[7]].join('\r\n'),
    'b/c.csv': ['text,label', ...csv, 'one field'].join('\n'),
    ...Object.fromEntries(files),
  };
}

test('whatever the order of the work and however often it comes, the same uploads give the same bytes', async () => {
  const expected = createDatasetWorld();
  expected.upload('reviews', definition, reviews());
  await expected.work();
  const { counts, splits } = expected.manifest('reviews');
  assert.equal(counts.in, 463);
  assert.equal(counts.kept + Object.values(counts.dropped).reduce((sum, count) => sum + count, 0), counts.in);
  assert.equal(counts.dropped['broken-row'], 2);
  assert.ok(splits.train!.augmented > splits.train!.records / 2, 'two copies of most');
  for (let seed = 0; seed < 20; seed++) {
    const random = seededRandom(`order ${seed}`);
    const world = createDatasetWorld();
    world.upload('reviews', definition, reviews());
    let again = 0;
    await world.work((waiting) => {
      const chosen = Math.floor(random() * waiting);
      // At most 500 times, so that what comes twice does not go on for ever.
      if (random() < 0.3 && again++ < 500) world.queue.push(world.queue[chosen]!);
      return chosen;
    });
    assert.deepEqual(world.prepared('reviews'), expected.prepared('reviews'), `seed ${seed}`);
  }
});

test('five workers at once, each killed at its calls again and again, leave what one leaves', async () => {
  const expected = createDatasetWorld();
  expected.upload('reviews', definition, reviews());
  await expected.work();
  let kills = 0;
  for (let seed = 0; seed < 8; seed++) {
    const random = seededRandom(`kills ${seed}`);
    const world = createDatasetWorld({ mayKill: () => random() < 0.008 && ++kills > 0 });
    world.upload('reviews', definition, reviews());
    await world.workTogether(5);
    assert.deepEqual(world.prepared('reviews'), expected.prepared('reviews'), `seed ${seed}`);
  }
  assert.ok(kills > 20, `${kills} kills`);
});

test('a run that another dataset.json has overtaken replaces nothing, and one that comes back is told', async () => {
  const world = createDatasetWorld();
  world.upload('reviews', definition, reviews());
  const [first] = world.queue;
  await world.deliver(world.queue.shift()!);
  const left = world.queue.splice(0);
  world.upload('reviews', { ...definition, split: { fractions: { train: 1 } } }, {});
  await world.work();
  const newest = world.prepared('reviews');
  assert.deepEqual(Object.keys(world.manifest('reviews').splits), ['train']);
  for (const message of [...left, first!]) await world.deliver(message);
  await world.work();
  assert.deepEqual(world.prepared('reviews'), newest);

  world.upload('reviews', definition, {});
  await world.work();
  assert.deepEqual(Object.keys(world.manifest('reviews').splits), ['train', 'validation', 'test']);
  world.upload('reviews', { ...definition, split: { fractions: { train: 1 } } }, {});
  await world.work();
  assert.equal(world.manifest('reviews').sequencer, '00000004');
  assert.deepEqual(Object.keys(world.manifest('reviews').splits), ['train']);
});

test('what cannot work ends in a reason for a person, which a good dataset.json takes away', async () => {
  const world = createDatasetWorld();
  const fails = async (given: object, files: Record<string, string>, reason: RegExp) => {
    world.upload('reviews', given, files);
    await world.work();
    assert.match(world.error('reviews') ?? 'no error', reason);
  };
  await fails({ task: 'poetry' }, {}, /dataset\.json is wrong: task/);
  await fails({ task: 'text-classification' }, {}, /nothing under raw\/reviews\/ is a record/);
  await fails(
    { task: 'text-classification', inputs: { column: 'txt', files: 'none/*' } },
    reviews(),
    /401 × no-inputs .*has no column 'txt'; it has text, label/,
  );
  const table = { from: 'table', file: 'labels.csv', column: 'label' };
  await fails({ task: 'text-classification', label: table }, {}, /names 'labels\.csv', which was not uploaded/);
  const ids = { from: 'column', column: 'id' };
  const many = Array.from({ length: 10_001 }, (_, id) => JSON.stringify({ text: `text ${id}`, id })).join('\n');
  await fails({ task: 'text-classification', label: ids }, { 'a.jsonl': many }, /more than 10000 different classes/);
  world.upload('reviews', definition, reviews());
  await world.work();
  assert.equal(world.error('reviews'), undefined);
  assert.ok(world.manifest('reviews').counts.kept > 300);
});

test('a file that is replaced while it is prepared ends the run with the reason', async () => {
  const world = createDatasetWorld();
  world.upload('reviews', definition, reviews());
  await world.deliver(world.queue.shift()!);
  const object = world.objects.get('raw/reviews/a.jsonl')!;
  world.objects.set('raw/reviews/a.jsonl', { ...object, etag: '"another"' });
  await world.work();
  assert.match(world.error('reviews')!, /'raw\/reviews\/a\.jsonl' was replaced/);
  assert.throws(() => world.manifest('reviews'), /no manifest/);
});

test('a part that ends its worker at every attempt ends the run with the reason, which a redrive takes away', async () => {
  const told =
    /^the last of 5 attempts ended without an answer, most likely out of memory or time: its files may be too/;
  const world = createDatasetWorld();
  world.upload('reviews', definition, reviews());
  const upload = world.queue.shift()!;
  await world.deliver(upload, new NoAnswer());
  assert.match(world.error('reviews')!, told);
  world.objects.delete('prepared/reviews/error.json');

  await world.deliver(upload);
  const part = world.queue.shift()!;
  await world.work();
  await world.deliver(part, new NoAnswer());
  assert.match(world.error('reviews')!, told);
  world.queue.push(part);
  await world.work();
  assert.ok(world.manifest('reviews').counts.kept > 0);
  assert.equal(world.error('reviews'), undefined);
});
