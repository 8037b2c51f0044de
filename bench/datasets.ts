import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cpuMilliseconds } from './cpu.ts';
import { end, peakMegabytes, startServer } from './processes.ts';
import { random } from './random.ts';
import { goal, type Section, table } from './report.ts';

const run = promisify(execFile);
const counts = [1000, 10_000, 100_000];

interface Measured {
  readonly lines: number;
  readonly seconds: number;
  /** CPU of the whole platform, in all. */
  readonly cpuMs: number;
}

/** Way B: so many lines of JSONL become a prepared data set. */
export async function datasets({ quick }: { quick: boolean }): Promise<Section> {
  const folder = await mkdtemp(join(tmpdir(), 'lambent-bench-datasets-'));
  const state = join(folder, 'state');
  const platform = await startServer(['local/main.ts'], { PORT: '0', LAMBENT_STATE: state });
  try {
    const pid = platform.process.pid!;
    const measured: Measured[] = [];
    let [idle, peak] = [Number.NaN, Number.NaN];
    for (const lines of [100, ...(quick ? counts.slice(0, 2) : counts)]) {
      const input = join(folder, `lines-${lines}`);
      await writeDataset(input, lines);
      const before = { cpu: cpuMilliseconds(pid), time: performance.now() };
      const { stdout } = await run(process.execPath, ['commands/datasets.ts', 'push', input], {
        env: { ...process.env, LAMBENT_STATE: state },
      });
      check(stdout, lines);
      const seconds = (performance.now() - before.time) / 1000;
      // The first is for the compiler and the caches.
      if (lines >= counts[0]!) measured.push({ lines, seconds, cpuMs: cpuMilliseconds(pid) - before.cpu });
      peak = await peakMegabytes(pid, 'prepare-dataset');
      if (lines < counts[0]!) idle = peak;
      process.stderr.write(`${lines} `);
    }
    return report(measured, peak - idle);
  } finally {
    await end(platform.process);
    await rm(folder, { recursive: true, force: true });
  }
}

const words = 'great bad phone battery lasts for days waste of money love it film wonderful terrible the and a'.split(
  ' ',
);

/** Reviews, every tenth of them written down twice and every hundredth broken. */
async function writeDataset(folder: string, count: number): Promise<void> {
  const next = random(count);
  await mkdir(folder);
  const stream = createWriteStream(join(folder, 'reviews.jsonl'));
  let previous = '';
  for (let index = 0; index < count; index++) {
    const length = 3 + Math.floor(next() * 25);
    const text = Array.from({ length }, () => words[Math.floor(next() * words.length)]).join(' ');
    const line = JSON.stringify({
      text: `${text} ${index}`,
      label: length % 3 === 0 ? 'good' : 'bad',
      user: `u${index % 997}`,
    });
    const written = index % 100 === 50 ? 'no JSON' : index % 10 === 9 ? previous : line;
    previous = line;
    if (!stream.write(`${written}\n`)) await once(stream, 'drain');
  }
  await new Promise<void>((resolve) => stream.end(resolve));
  const definition = {
    task: 'text-classification',
    group: { from: 'column', column: 'user' },
    clean: { whitespace: 'collapse' },
  };
  await writeFile(join(folder, 'dataset.json'), JSON.stringify(definition));
}

/** Throws where other records were kept or dropped than must be. */
function check(printed: string, lines: number): void {
  const number = (pattern: RegExp) => Number(pattern.exec(printed)?.[1]?.replaceAll(',', ''));
  const [kept, found] = [number(/ ([\d,]+) of [\d,]+ records/), number(/ of ([\d,]+) records/)];
  const [broken, twice] = [number(/dropped ([\d,]+) \(broken-row\)/), number(/dropped ([\d,]+) \(duplicate\)/)];
  const right = found === lines && broken === lines / 100 && twice === lines / 10 && kept === found - broken - twice;
  if (!right) throw new Error(`of ${lines} lines other records were kept than should be:\n${printed}`);
}

function report(measured: readonly Measured[], megabytes: number): Section {
  const perRecord = ({ cpuMs, lines }: Measured) => cpuMs / lines;
  const [first, last] = [measured[0]!, measured.at(-1)!];
  const rows = measured.map((one) => [
    String(one.lines),
    one.seconds.toFixed(1),
    (one.lines / one.seconds).toFixed(0),
    perRecord(one).toFixed(3),
  ]);
  return {
    title: 'Way B: data sets',
    goals: [
      goal(
        `CPU per record, ${last.lines} lines to ${first.lines}`,
        { most: 1.2 },
        perRecord(last) / perRecord(first),
        '×',
      ),
      goal('growth of the memory of prepare-dataset', { most: 300 }, megabytes, ' MB'),
    ],
    text: `Lines of 3 to 27 words, each tenth twice and each hundredth broken, are pushed by \`npm run datasets\`, cleaned, split by their writers and
written as shards; what was kept and dropped is checked. Seconds are those of the whole command; CPU is that of all processes of the
platform, stand-ins for S3, SQS and DynamoDB among them; memory is the most that \`prepare-dataset\` ever had, five parts at once in one
process, beyond what it had after 100 lines.

${table(['records', 'seconds', 'records/s', 'CPU ms/record'], rows)}`,
  };
}
