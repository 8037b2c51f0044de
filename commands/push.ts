import { parseArgs } from 'node:util';
import { connect } from './connect.ts';
import { exampleCall } from './example-call.ts';
import { type PushReport, pushPackage } from './push-package.ts';

const usage = `npm run push -- <folder or .onnx file>   uploads a model and waits until it is READY

The folder is one as Hugging Face lays it out, with model.onnx or onnx/model.onnx; what model.json does not say is
derived: the task and labels from config.json, tensors from the graph. See docs/model-package.md.
  --name <name>        default: the folder's
  --version <version>  default: 1; a version never changes
  --task <task>        default: what config.json's architectures say; without a task the model is served over /v2 only
  --host lambda|sagemaker
  --aws                to the deployed platform, found by lambent-outputs.json; else to the one that npm start runs here`;

const report: PushReport = {
  progress(sent, total) {
    if (!process.stderr.isTTY) return;
    const done = total === 0 ? 1 : sent / total;
    const bar = '#'.repeat(Math.round(done * 30)).padEnd(30, '.');
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    process.stderr.write(`\r[${bar}] ${megabytes(sent)} of ${megabytes(total)} MB${sent === total ? '\n' : ''}`);
  },
  leftOut(files) {
    if (files.length > 0) console.error(`not part of the package: ${files.join(', ')}`);
  },
  again() {
    console.error('its validation has not come to an end, and is tried again');
  },
};

try {
  await main();
} catch (error) {
  console.error(`push: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: text,
      version: text,
      task: text,
      host: text,
      aws: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [folder] = positionals;
  if (values.help || !folder) return console.log(usage);
  const { aws, help: _, ...options } = values;
  const { services, url, key } = connect({ aws });
  const { name, version, status, reason, model } = await pushPackage(folder, services, options, report);
  if (status !== 'READY' || !model) throw new Error(`${name} ${version} is FAILED: ${reason}`);
  console.log(`READY  ${name} ${version}\n\n  ${exampleCall(model, { url, key, folder })}`);
}
