import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuMilliseconds } from './cpu.ts';
import type { Load, PreparedRequest } from './load.ts';
import { type BenchModel, models, writePackages } from './models.ts';
import { end, type Raw, startRaw } from './processes.ts';
import { type Goal, goal, type Section, table } from './report.ts';
import { median, quantile, spread } from './statistics.ts';
import { callers, startVariants, type Variant } from './variants.ts';

/** What the rounds of one variant measured with one model. */
interface Measured {
  readonly name: string;
  readonly description: string;
  readonly rates: number[];
  readonly serverCpu: number[];
  readonly loadCpu: number[];
  readonly latencies: Float64Array[];
}

/** Milliseconds of a request: alone, and of each with all callers at once. */
interface Cost {
  readonly lone: number;
  readonly many: number;
}

/** Requests of a round. */
interface Counts {
  readonly lone: number;
  readonly many: number;
}

interface Plan {
  readonly rounds: number;
  readonly seconds: number;
}

/** The way of an HTTPS request: the whole platform beside what others keep of the model's own speed. */
export async function wayA({ quick, model: only }: { quick: boolean; model?: string | undefined }): Promise<Section> {
  const chosen = models.filter(({ name }) => only === undefined || name === only);
  if (chosen.length === 0)
    throw new Error(`'${only}' is no model of the bench: ${models.map(({ name }) => name).join(', ')}`);
  const plan = quick ? { rounds: 3, seconds: 1 } : { rounds: 5, seconds: 2 };
  const folder = await mkdtemp(join(tmpdir(), 'lambent-bench-models-'));
  await writePackages(folder);
  const raw = await startRaw(folder);
  const variants = await startVariants(folder);
  const goals: Goal[] = [];
  const texts: string[] = [];
  try {
    for (const variant of variants.all) await compile(variant);
    for (const model of chosen) {
      const measured = await measureModel(model, raw, variants.all, plan);
      goals.push(...goalsOf(model, measured));
      texts.push(render(model, measured));
      process.stderr.write(`\n${texts.at(-1)}\n`);
    }
  } finally {
    for (const { caller } of variants.all) await caller.close();
    await Promise.all([variants.close(), end(raw.process)]);
    await rm(folder, { recursive: true, force: true });
  }
  return { title: 'Way A: HTTP to model and back', goals, text: `${explain(plan)}\n\n${texts.join('\n\n')}` };
}

function explain({ rounds }: Plan): string {
  return `Models have generated weights and a dynamic batch dimension, and run on one thread in every variant. \`raw\` is session.run in a
loop in one process, without HTTP. Every server has answered 21,000 requests for \`tiny\` before. Before the load, each variant's
answers are compared with raw's, one by one and at ${callers} callers.
${rounds} rounds, the variants in turn; medians with (lowest–highest round). CPU is user + system time of the server and its children.`;
}

async function measureModel(
  model: BenchModel,
  raw: Raw,
  variants: readonly Variant[],
  plan: Plan,
): Promise<Measured[]> {
  const { outputs: expected } = await raw.ask({ kind: 'answers', model: model.name });
  const prepared = variants.map((variant) => variant.prepare(model));
  const counts: Counts[] = [];
  for (const [index, variant] of variants.entries()) {
    const checked = await check(model, variant, prepared[index]!, expected);
    counts.push(await countRequests(variant, prepared[index]!, checked, plan.seconds));
  }
  const rawCount = await warmRaw(raw, model, plan.seconds);
  const rawMeasured = empty('raw', 'session.run in a loop');
  const measured = variants.map(({ name, description }) => empty(name, description));
  for (let round = 0; round < plan.rounds; round++) {
    await measureRaw(raw, model, rawCount, rawMeasured);
    for (const [index, variant] of variants.entries()) {
      await measure(variant, prepared[index]!, counts[index]!, measured[index]!);
    }
  }
  return [rawMeasured, ...measured];
}

function empty(name: string, description: string): Measured {
  return { name, description, rates: [], serverCpu: [], loadCpu: [], latencies: [] };
}

/** Throws where an answer differs from raw's: alone, and among others that it may share a run with. */
async function check(
  { name }: BenchModel,
  variant: Variant,
  requests: readonly PreparedRequest[],
  expected: readonly Float32Array[],
): Promise<Cost> {
  const compare = async (request: PreparedRequest, index: number) => {
    const output = variant.readOutput(await variant.caller.ask(request));
    const wanted = expected[index]!;
    const wrong = wanted.findIndex((value, at) => !(Math.abs(value - output[at]!) <= 1e-3 + 1e-3 * Math.abs(value)));
    if (wrong < 0 && output.length === wanted.length) return;
    throw new Error(`${variant.name} answers ${name} with ${output[wrong]} at ${wrong}; raw says ${wanted[wrong]}`);
  };
  const started = performance.now();
  for (const [index, request] of requests.entries()) await compare(request, index);
  const between = performance.now();
  const many = Array.from({ length: callers }, (_, index) => index % requests.length);
  await Promise.all(many.map((index) => compare(requests[index]!, index)));
  return { lone: (between - started) / requests.length, many: (performance.now() - between) / callers };
}

async function warmRaw(raw: Raw, { name }: BenchModel, seconds: number): Promise<number> {
  const { milliseconds } = await raw.ask({ kind: 'run', model: name, count: 20 });
  return Math.max(20, Math.round((seconds * 20_000) / milliseconds));
}

/** Asks for the fastest model until V8 has compiled what a server runs: the first ten thousand take half as long again. */
async function compile({ caller, prepare }: Variant): Promise<void> {
  const requests = prepare(models.find(({ name }) => name === 'tiny')!);
  await caller.load(requests, 1, 1000);
  await caller.load(requests, callers, 20_000);
}

/** How many requests fill a round. */
async function countRequests(
  { caller }: Variant,
  requests: readonly PreparedRequest[],
  checked: Cost,
  seconds: number,
): Promise<Counts> {
  const lone = perRequest(await caller.load(requests, 1, 20));
  const many = perRequest(await caller.load(requests, callers, roundCount(checked.many, seconds / 2)));
  return { lone: Math.max(8, Math.round((seconds * 400) / lone)), many: roundCount(many, seconds) };
}

function perRequest({ milliseconds, latencies }: Load): number {
  return milliseconds / latencies.length;
}

/** A whole multiple of the callers: a round begins and ends with an idle server. */
function roundCount(millisecondsEach: number, seconds: number): number {
  return callers * Math.max(1, Math.round((seconds * 1000) / millisecondsEach / callers));
}

async function measureRaw(raw: Raw, { name }: BenchModel, count: number, into: Measured): Promise<void> {
  const before = cpuMilliseconds(raw.process.pid!);
  const { milliseconds, latencies } = await raw.ask({ kind: 'run', model: name, count });
  into.serverCpu.push((cpuMilliseconds(raw.process.pid!) - before) / count);
  into.rates.push((count / milliseconds) * 1000);
  into.latencies.push(latencies);
}

async function measure(
  { caller, processId }: Variant,
  requests: readonly PreparedRequest[],
  { lone, many }: Counts,
  into: Measured,
): Promise<void> {
  into.latencies.push((await caller.load(requests, 1, lone)).latencies);
  const before = cpuMilliseconds(processId);
  const ownBefore = process.cpuUsage();
  const { milliseconds } = await caller.load(requests, callers, many);
  const own = process.cpuUsage(ownBefore);
  into.serverCpu.push((cpuMilliseconds(processId) - before) / many);
  into.loadCpu.push((own.user + own.system) / 1000 / many);
  into.rates.push((many / milliseconds) * 1000);
}

function latencyOf({ latencies }: Measured): { median: number; p99: number } {
  const p99 = median(latencies.map((round) => quantile(round, 0.99)));
  return { median: median(latencies.map((round) => median(round))), p99 };
}

/** Of two variants in the same rounds. */
function ratio(one: Measured, other: Measured): number {
  return median(one.rates) / median(other.rates);
}

function goalsOf({ name }: BenchModel, measured: readonly Measured[]): Goal[] {
  const [raw, fastify, lambent] = ['raw', 'fastify', 'lambent'].map((key) => measured.find((one) => one.name === key)!);
  const share = { tiny: ['fastify', 1], mobilenet: ['raw', 0.8], minilm: ['raw', 0.85] }[name] as [string, number];
  const peer = share[0] === 'raw' ? raw! : fastify!;
  const added = latencyOf(lambent!).median - latencyOf(raw!).median;
  return [
    goal(`${name}, ${callers} callers: requests/s of ${share[0]}`, { least: share[1] }, ratio(lambent!, peer), '×'),
    goal(`${name}, 1 caller: added to session.run`, { most: 3 }, added, ' ms'),
  ];
}

function render({ name, description }: BenchModel, measured: readonly Measured[]): string {
  const [raw, fastify] = measured as [Measured, Measured];
  const rows = measured.map((one) => {
    const latency = latencyOf(one);
    return [
      `${one.name}: ${one.description}`,
      spread(one.rates, one.rates[0]! > 1000 ? 0 : 1),
      ratio(one, raw).toFixed(2),
      ratio(one, fastify).toFixed(2),
      median(one.serverCpu).toFixed(2),
      one.loadCpu.length > 0 ? median(one.loadCpu).toFixed(2) : '',
      latency.median.toFixed(2),
      latency.p99.toFixed(2),
    ];
  });
  const head = [
    'variant',
    `requests/s, ${callers} callers`,
    '× raw',
    '× fastify',
    'CPU ms/request',
    'of the load',
    '1 caller: median ms',
    'p99 ms',
  ];
  return `### ${name}: ${description}\n\n${table(head, rows)}`;
}
