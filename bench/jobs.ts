import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cpuMilliseconds } from './cpu.ts';
import { end, peakMegabytes, type Server, startServer } from './processes.ts';
import { random } from './random.ts';
import { goal, type Section, table } from './report.ts';

const run = promisify(execFile);
const model = 'models/sentiment';
const counts = [1000, 10_000, 100_000];

interface Measured {
  readonly records: number;
  readonly seconds: number;
  /** CPU of everything that worked on it, per record. */
  readonly cpuMs: number;
}

/** Way B: a job of so many lines of JSONL, beside a loop over the same lines with nothing around it. */
export async function jobs({ quick }: { quick: boolean }): Promise<Section> {
  const folder = await mkdtemp(join(tmpdir(), 'lambent-bench-jobs-'));
  const state = join(folder, 'state');
  const platform = await startServer(['local/main.ts'], { PORT: '0', LAMBENT_STATE: state });
  try {
    const measured: { lines: number; bare: Measured; job: Measured }[] = [];
    for (const lines of [100, ...(quick ? counts.slice(0, 2) : counts)]) {
      const input = join(folder, `${lines}.jsonl`);
      await writeLines(input, lines);
      const bare = await runBare(input, `${input}.bare`);
      const job = await runJob(input, platform, state);
      await compare(`${input}.bare`, `${input}.job`);
      // The first is for the compiler and the caches.
      if (lines >= counts[0]!) measured.push({ lines, bare, job });
      process.stderr.write(`${lines} `);
    }
    return report(measured, await peakMegabytes(platform.process.pid!, 'run-batch'));
  } finally {
    await end(platform.process);
    await rm(folder, { recursive: true, force: true });
  }
}

const words = 'great bad phone battery lasts for days waste of money love it film wonderful terrible the and a'.split(
  ' ',
);

async function writeLines(file: string, count: number): Promise<void> {
  const next = random(count);
  const stream = createWriteStream(file);
  for (let index = 0; index < count; index++) {
    const length = 3 + Math.floor(next() * 25);
    const inputs = Array.from({ length }, () => words[Math.floor(next() * words.length)]).join(' ');
    if (!stream.write(`${JSON.stringify({ custom_id: `r${index}`, inputs })}\n`)) await once(stream, 'drain');
  }
  await new Promise<void>((resolve) => stream.end(resolve));
}

async function runBare(input: string, output: string): Promise<Measured> {
  const { stdout } = await run(process.execPath, ['bench/peers/job.ts', model, input, output]);
  const { records, milliseconds, cpu } = JSON.parse(stdout);
  return { records, seconds: milliseconds / 1000, cpuMs: cpu / records };
}

/** As a person does, by `npm run jobs`; the seconds are those between its plan and its end. */
async function runJob(input: string, { process: { pid } }: Server, state: string): Promise<Measured> {
  const env = { ...process.env, LAMBENT_STATE: state };
  const command = async (...args: string[]) =>
    (await run(process.execPath, ['commands/jobs.ts', ...args], { env, maxBuffer: 2 ** 28 })).stdout;
  const before = cpuMilliseconds(pid!);
  const name = (await command('start', 'sentiment', '--input', input)).split('\n')[0]!;
  const cpu = cpuMilliseconds(pid!) - before;
  const { startedAt, finishedAt, counts } = JSON.parse(await command('show', name));
  await writeFile(`${input}.job`, await command('results', name));
  const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
  return { records: counts.succeeded, seconds, cpuMs: cpu / counts.succeeded };
}

/** Throws where a line of a job is not the one that the bare loop has written, in its place. */
async function compare(bare: string, job: string): Promise<void> {
  const [expected, given] = await Promise.all(
    [bare, job].map(async (file) => (await readFile(file, 'utf8')).split('\n')),
  );
  if (expected!.length !== given!.length) throw new Error(`${given!.length} lines where ${expected!.length} are right`);
  for (const [index, line] of expected!.entries()) {
    if (line === given![index]) continue;
    const [one, other] = [JSON.parse(line), JSON.parse(given![index]!)];
    const near = Math.abs(one.output[0][0].score - other.output[0][0].score) < 1e-4;
    if (one.custom_id !== other.custom_id || !near) throw new Error(`line ${index} is ${given![index]}, not ${line}`);
  }
}

function report(measured: readonly { lines: number; bare: Measured; job: Measured }[], megabytes: number): Section {
  const rate = ({ records, seconds }: Measured) => records / seconds;
  const [first, last] = [measured[0]!, measured.at(-1)!];
  const rows = measured.map(({ lines, bare, job }) => [
    String(lines),
    rate(bare).toFixed(0),
    rate(job).toFixed(0),
    (rate(job) / rate(bare)).toFixed(2),
    bare.cpuMs.toFixed(3),
    job.cpuMs.toFixed(3),
  ]);
  const head = [
    'records',
    'bare loop, records/s',
    'job, records/s',
    '× bare',
    'CPU ms/record, bare',
    'CPU ms/record, job',
  ];
  return {
    title: 'Way B: jobs',
    goals: [
      goal(`${last.lines} lines: records/s of a bare loop`, { least: 0.8 }, rate(last.job) / rate(last.bare), '×'),
      goal(
        `CPU per record, ${last.lines} lines to ${first.lines}`,
        { most: 1.2 },
        last.job.cpuMs / first.job.cpuMs,
        '×',
      ),
      goal('memory of run-batch', { most: 300 }, megabytes, ' MB'),
    ],
    text: `Lines of 3 to 27 words through the sample \`sentiment\`, a recurrent network. The bare loop reads a line, prepares it, runs the
model on one thread and writes a line; the job is begun by \`npm run jobs\` on the whole platform, and its answers are compared with
the loop's, line by line. CPU is that of all processes of the platform, stand-ins for S3, SQS and DynamoDB among them; memory is the most
that \`run-batch\` ever had, with five chunks at once in one process.

${table(head, rows)}`,
  };
}
