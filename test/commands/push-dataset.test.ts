import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pushDataset } from '../../commands/push-dataset.ts';
import type { Services } from '../../functions/services.ts';
import { createDatasetWorld } from '../unit/datasets/dataset-world.ts';

test('a folder is uploaded, dataset.json last, and what becomes of it is told; what is there already is not sent again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lambent-push-'));
  const file = async (path: string, body: string) => {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), body);
  };
  await file('good/a b.txt', 'a fine thing');
  await file('bad/1.txt', 'a bad thing');
  await file('.git/config', 'hidden');
  await file('dataset.json', JSON.stringify({ task: 'text-classification' }));

  const world = createDatasetWorld();
  const written: string[] = [];
  const writeData: Services['writeData'] = async (key, body, condition) => {
    const isWritten = await world.effects.writeData(key, body, condition);
    written.push(key);
    if (key === 'raw/things/dataset.json') {
      world.uploaded('things');
      await world.work();
    }
    return isWritten;
  };
  const push = () => pushDataset(folder, { ...world.effects, writeData }, { name: 'things' });
  const { manifest } = await push();
  assert.equal(manifest.counts.kept, 2);
  assert.deepEqual(written.toSorted(), ['raw/things/bad/1.txt', 'raw/things/dataset.json', 'raw/things/good/a b.txt']);
  assert.equal(written.at(-1), 'raw/things/dataset.json');

  await file('dataset.json', JSON.stringify({ task: 'tabular-regression' }));
  await assert.rejects(push(), /things cannot be prepared: nothing under raw\/things\/ is a record/);
  assert.deepEqual(written.slice(3), ['raw/things/dataset.json']);
  await file('dataset.json', '{"task": "poetry"}');
  await assert.rejects(push(), /dataset\.json is wrong: task/);
  await assert.rejects(pushDataset(folder, world.effects, { name: 'No name' }), /no name of a data set/);
  await assert.rejects(pushDataset(join(folder, 'good'), world.effects), /has no dataset\.json/);
  await rm(folder, { recursive: true });
});
