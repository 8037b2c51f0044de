import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { machine, render, type Section } from './report.ts';

const sections: Record<string, (options: { quick: boolean; model?: string | undefined }) => Promise<Section>> = {
  codec: async (options) => (await import('./codec.ts')).codec(options),
  'cold-start': async (options) => (await import('./cold-start.ts')).coldStart(options),
  preprocessing: async (options) => (await import('./preprocessing.ts')).preprocessing(options),
  datasets: async (options) => (await import('./datasets.ts')).datasets(options),
  jobs: async (options) => (await import('./jobs.ts')).jobs(options),
  clients: async (options) => (await import('./clients.ts')).clients(options),
  streaming: async (options) => (await import('./streaming.ts')).streaming(options),
  'way-a': async (options) => (await import('./way-a.ts')).wayA(options),
};

const usage = `npm run bench [-- [--quick] [--model <name>] [${Object.keys(sections).join('] [')}]]

All sections in full are written to bench/RESULTS.md. A choice of them, one model of way A (tiny, mobilenet, minilm) or short
rounds with --quick are printed.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    model: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const unknown = positionals.find((name) => !Object.hasOwn(sections, name));
if (values.help || unknown) {
  console.log(unknown ? `'${unknown}' is no section of the bench\n\n${usage}` : usage);
  process.exit(unknown ? 1 : 0);
}

const where = machine();
const measured: Section[] = [];
for (const name of positionals.length > 0 ? positionals : Object.keys(sections)) {
  process.stderr.write(`${name} `);
  measured.push(await sections[name]!(values));
  process.stderr.write('\n');
}
const results = render(measured, where, performance.now() / 1000);
if (positionals.length > 0 || values.quick || values.model) console.log(results);
else await writeFile(new URL('RESULTS.md', import.meta.url), results);
