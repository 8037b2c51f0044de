import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { jobServices } from '../functions/http/job-services.ts';
import { parseInput } from '../functions/http/parse-input.ts';
import { cancelJob, resumeJob, retryJob } from '../functions/jobs/control-job.ts';
import { createJob } from '../functions/jobs/create-job.ts';
import { estimateJob } from '../functions/jobs/estimate-job.ts';
import { giveJob } from '../functions/jobs/give-job.ts';
import { type JobRequest, jobRequestSchema } from '../functions/jobs/job.ts';
import { listJobs, readJob } from '../functions/jobs/read-job.ts';
import { readErrors, readResults } from '../functions/jobs/read-results.ts';
import type { Services } from '../functions/services.ts';
import { connect } from './connect.ts';
import { renderJob, renderProgress } from './job-progress.ts';
import { printComparison, printReport } from './job-reports.ts';

const usage = `npm run jobs -- start <model> --dataset <name> [--split <split>]   asks a model about a prepared data set
npm run jobs -- start <model> --input <file>                       or about the lines of a file: {"inputs": …} each
      [--name <job>] [--parameters <json>] [--max-records <n>] [--max-errors-percent <n>] [--no-watch]
npm run jobs -- estimate <model> …     the same: says what it would need, and begins nothing
npm run jobs -- list                   shows the jobs of all, the latest first
npm run jobs -- show <job>             shows all that is known of one
npm run jobs -- watch <job>            follows a job to its end
npm run jobs -- results <job>          prints what was answered; errors <job>: what was not, and why
npm run jobs -- cancel <job>           stops it; what is answered is kept
npm run jobs -- resume <job>           runs what was not run
npm run jobs -- retry <job>            runs that, and what has failed
npm run jobs -- give <job> <key id>    lets an API key see it over HTTPS, and no other; npm run keys -- list has the ids
npm run jobs -- report <job> [--page <file>]   what the answers of a labelled job are worth; the page for people as a file
npm run jobs -- compare <job> <other>  what changes from one to the other over the same records
<file> may be a key of the data bucket. With --aws: of the deployed platform, found by lambent-outputs.json; else of the one
that npm start runs here.`;

const options = {
  dataset: { type: 'string' },
  split: { type: 'string' },
  input: { type: 'string' },
  endpoint: { type: 'string' },
  name: { type: 'string' },
  parameters: { type: 'string' },
  'max-records': { type: 'string' },
  'max-errors-percent': { type: 'string' },
  page: { type: 'string' },
  watch: { type: 'boolean', default: true },
  aws: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

type Options = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

try {
  await main();
} catch (error) {
  console.error(`jobs: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, allowNegative: true, options });
  const [command, name, other] = positionals;
  if (values.help || !command) return console.log(usage);
  const { services } = connect({ aws: values.aws });
  const effects = { ...services, ...jobServices(services) };
  if (command === 'list') return await list(services);
  if (command === 'start') {
    const { job } = await createJob(await readRequest(name, values, services), effects, { name: values.name });
    console.log(job);
    return values.watch ? await watch(job, services) : undefined;
  }
  if (command === 'estimate') {
    const request = await readRequest(name, values, services);
    return console.log(JSON.stringify(await estimateJob(request, effects, Date.now() + 60_000), null, 2));
  }
  if (name === undefined) throw new Error(`'${command}' is not a command. Usage:\n${usage}`);
  if (command === 'show') console.log(JSON.stringify(await readJob(name, services), null, 2));
  else if (command === 'watch') await watch(name, services);
  else if (command === 'results') await print(await readResults(name, undefined, services));
  else if (command === 'report') await printReport(name, values.page, services);
  else if (command === 'compare' && other) await printComparison(name, other, services);
  else if (command === 'give' && other) await giveJob(name, other, services);
  else if (command === 'errors') await print(await readErrors(name, services));
  else if (command === 'cancel') await cancelJob(name, services).then(() => watch(name, services));
  else if (command === 'resume') await resumeJob(name, services).then(() => watch(name, services));
  else if (command === 'retry') await retryJob(name, services).then(() => watch(name, services));
  else throw new Error(`'${positionals.join(' ')}' is not a command. Usage:\n${usage}`);
}

/** The request that the options say; a file of this machine is uploaded first. */
async function readRequest(model: string | undefined, values: Options, services: Services): Promise<JobRequest> {
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  const request = {
    ...{ model, dataset: values.dataset, split: values.split, endpoint: values.endpoint },
    input: values.input !== undefined && existsSync(values.input) ? await upload(values.input, services) : values.input,
    parameters: values.parameters === undefined ? undefined : (JSON.parse(values.parameters) as unknown),
    maxRecords: number(values['max-records']),
    maxErrorsPercent: number(values['max-errors-percent']),
  };
  return parseInput(jobRequestSchema, request);
}

/** Under a key that follows from the content. */
async function upload(file: string, services: Services): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  const key = `jobs/inputs/${hash.digest('hex').slice(0, 32)}.jsonl`;
  const known = await services.findData(key);
  if (!known) await services.writeDataStream(key, createReadStream(file), { contentType: 'application/x-ndjson' });
  return key;
}

async function list(services: Services): Promise<void> {
  let before: string | undefined;
  do {
    const { jobs, next } = await listJobs({ limit: 100, before }, services);
    for (const job of jobs) console.log(renderJob(job));
    before = next;
  } while (before !== undefined);
}

/** A bar on a terminal, else a line whenever something has changed, until the job has ended. */
async function watch(name: string, services: Services): Promise<void> {
  const { isTTY, columns = 80 } = process.stdout;
  let last = '';
  for (;;) {
    const job = await readJob(name, services);
    const line = isTTY ? renderProgress(job, columns - 1) : renderJob(job);
    if (isTTY) process.stdout.write(`\r\u001b[2K${line}`);
    else if (line !== last) console.log(line);
    last = line;
    if (job.finishedAt !== undefined) {
      if (isTTY) process.stdout.write('\n');
      if (job.status === 'FAILED') throw new Error(`job ${name} failed: ${job.reason}`);
      return;
    }
    await wait(isTTY ? 500 : 2000);
  }
}

async function print(lines: AsyncIterable<Uint8Array>): Promise<void> {
  // Whoever reads them may have enough: `| head`.
  process.stdout.on('error', () => process.exit(0));
  for await (const chunk of lines) if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
}
