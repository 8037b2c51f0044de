import { createReadStream, createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { InferenceSession } from 'onnxruntime-node';
import { createTensor } from '../../functions/inference/tensor.ts';
import { modelManifestSchema } from '../../functions/registry/model-manifest.ts';
import type { Infer } from '../../functions/tasks/task.ts';
import { runTask } from '../../functions/tasks/task.ts';
import { textClassification } from '../../functions/tasks/text-classification.ts';
import { toFeeds } from './sessions.ts';

/** What people write for a file of texts: a loop in one process that reads a line, runs the model and writes a line. */
const [folder, input, output] = process.argv.slice(2) as [string, string, string];
const json = async (path: string) => JSON.parse(await readFile(join(folder, path), 'utf8')) as Record<string, unknown>;
const manifest = modelManifestSchema.parse(await json('model.json'));
const session = await InferenceSession.create(join(folder, manifest.model), {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
});
const shape = [-1, -1];
const model = {
  manifest,
  inputs: session.inputNames.map((name) => ({ name, datatype: 'INT64' as const, shape })),
  outputs: [],
  assets: {
    'config.json': await json('config.json'),
    'tokenizer.json': await json('tokenizer.json'),
    'tokenizer_config.json': await json('tokenizer_config.json'),
  },
};
const infer: Infer = async ({ inputs }) => {
  const results = await session.run(toFeeds(inputs));
  const outputs = Object.entries(results).map(([name, { dims, data }]) =>
    createTensor(name, 'FP32', dims, data as Float32Array<ArrayBuffer>),
  );
  return { model_name: manifest.name, model_version: manifest.version, outputs };
};

const started = performance.now();
const written = createWriteStream(output);
let records = 0;
for await (const line of createInterface({ input: createReadStream(input) })) {
  const { custom_id, inputs } = JSON.parse(line);
  const given = textClassification.input.parse({ inputs });
  const answer = await runTask(textClassification, given, model, infer);
  written.write(`${JSON.stringify({ custom_id, output: answer })}\n`);
  records += 1;
}
await new Promise<void>((resolve) => written.end(resolve));
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ records, milliseconds: performance.now() - started, cpu: (user + system) / 1000 }));
