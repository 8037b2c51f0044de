import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, suite, test } from 'node:test';
import { createModelHost } from '../../../functions/host/create-model-host.ts';
import type { ModelSource } from '../../../functions/host/model-host.ts';
import { parseInput } from '../../../functions/http/parse-input.ts';
import { type Model, modelManifestSchema } from '../../../functions/registry/model-manifest.ts';
import { findTask } from '../../../functions/tasks/index.ts';
import { runTask } from '../../../functions/tasks/task.ts';

const host = createModelHost({ cacheBytes: 10_000_000 });
after(() => host.close());

/** A caller's text, or a picture in the package; and the labels that Python computed for it, best first. */
interface Golden {
  readonly input: string | { readonly file: string };
  readonly output: readonly ScoredLabel[] | readonly [readonly ScoredLabel[]];
  readonly tolerance: number;
}

interface ScoredLabel {
  readonly label: string;
  readonly score: number;
}

for (const name of ['digits', 'sentiment']) {
  const folder = new URL(`../../../models/${name}/`, import.meta.url);
  const read = (path: string) => readFileSync(new URL(path, folder));
  const manifest = modelManifestSchema.parse(JSON.parse(read('model.json').toString()));

  suite(name, () => {
    for (const golden of manifest.golden as Golden[]) {
      const given = typeof golden.input === 'string' ? golden.input : golden.input.file;
      test(`${JSON.stringify(given)} is answered as Python answered in training`, async () => {
        const task = findTask(manifest.task)!;
        const inputs = typeof golden.input === 'string' ? golden.input : new Uint8Array(read(golden.input.file));
        const input = parseInput(task.input, { inputs });
        const { model, source } = await openModel();
        const found = (await runTask(task, input, model, async (request) => {
          const { outputs } = await host.infer(source, request, soon());
          return { model_name: name, model_version: '1', outputs };
        })) as ScoredLabel[];
        assertScores(found.flat(), golden.output.flat(), golden.tolerance);
      });
    }
  });

  async function openModel(): Promise<{ model: Model; source: ModelSource }> {
    const source: ModelSource = {
      id: name,
      bytes: read(manifest.model).length,
      maxBatchSize: manifest.maxBatchSize,
      load: async () => ({ graph: read(manifest.model), externalData: [] }),
    };
    const { inputs, outputs } = await host.describe(source, soon());
    const files = ['config.json', 'preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json'];
    const present = files.filter((file) => existsSync(new URL(file, folder)));
    const assets = Object.fromEntries(present.map((file) => [file, JSON.parse(read(file).toString()) as unknown]));
    return {
      source,
      model: { manifest, inputs, outputs, assets },
    };
  }
}

function soon(): number {
  return Date.now() + 30_000;
}

function assertScores(found: readonly ScoredLabel[], expected: readonly ScoredLabel[], tolerance: number): void {
  assert.deepEqual(
    found.map(({ label }) => label),
    expected.map(({ label }) => label),
  );
  found.forEach(({ label, score }, index) => {
    const difference = Math.abs(score - expected[index]!.score);
    assert.ok(difference <= tolerance, `the score of ${label} is off by ${difference}`);
  });
}
