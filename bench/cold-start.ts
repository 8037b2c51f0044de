import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildFunctions, bundle } from '../infra/build.ts';
import { startDynamodb } from '../local/dynamodb.ts';
import { localEnvironment, resources } from '../local/environment.ts';
import { goal, type Section, table } from './report.ts';
import { median, spread } from './statistics.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const requests = {
  live: '/v2/health/live',
  models: '/models',
} as const;

interface Subject {
  readonly name: string;
  readonly file: string;
  readonly times: Record<keyof typeof requests, number[]>;
}

/** From the start of the process to the first answer: what a caller waits for when Lambda makes a new instance. */
export async function coldStart({ quick }: { quick: boolean }): Promise<Section> {
  const folder = await mkdtemp(join(tmpdir(), 'lambent-bench-cold-'));
  const dynamodb = await startDynamodb({ path: join(folder, 'dynamodb'), tableName: resources.TABLE_NAME });
  try {
    const runner = join(folder, 'runner', 'index.mjs');
    await bundle({ index: 'bench/cold-start/runner.ts' }, join(folder, 'runner'));
    const subjects = await buildSubjects(folder);
    const environment = {
      PATH: process.env.PATH ?? '',
      NODE_PATH: join(root, 'node_modules'),
      REQUIRE_API_KEY: 'false',
      ...localEnvironment({ DYNAMODB: dynamodb.url }),
    };
    const rounds = quick ? 5 : 15;
    for (let round = -1; round < rounds; round++) {
      for (const { file, times } of subjects) {
        for (const request of Object.keys(requests) as (keyof typeof requests)[]) {
          const milliseconds = await firstAnswer([runner, pathToFileURL(file).href, requests[request]], environment);
          // The first round fills the operating system's file cache.
          if (round >= 0) times[request].push(milliseconds);
        }
      }
    }
    return report(subjects, await sizes(join(folder, 'dist', 'api')), rounds);
  } finally {
    await dynamodb.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function buildSubjects(folder: string): Promise<Subject[]> {
  const subject = (name: string, file: string) => ({ name, file, times: { live: [], models: [] } });
  await buildFunctions(join(folder, 'dist'));
  await bundle({ index: 'bench/cold-start/empty-handler.ts' }, join(folder, 'empty'));
  await bundleEagerly(folder);
  return [
    subject('an empty handler', join(folder, 'empty', 'index.mjs')),
    subject('`api` as deployed', join(folder, 'dist', 'api', 'index.mjs')),
    subject('`api`, everything imported eagerly', join(folder, 'eager', 'index.mjs')),
    subject('`api`, sources not bundled', join(root, 'functions', 'handlers', 'api.ts')),
  ];
}

/** The same sources as people bundle them: each lazy import is a static one, one file, Node's modules imported directly. */
async function bundleEagerly(folder: string): Promise<void> {
  const handler = 'functions/handlers/api.ts';
  const { metafile } = await bundle({ index: handler }, join(folder, 'probe'), { metafile: true, write: false });
  const lazy = Object.values(metafile!.inputs).flatMap(({ imports }) =>
    imports
      .filter(({ kind, path }) => kind === 'dynamic-import' && path.startsWith('functions/'))
      .map(({ path }) => path),
  );
  const lines = [...new Set(lazy)].map((path) => `import ${JSON.stringify(join(root, path))};`);
  const entry = join(folder, 'eager.ts');
  await writeFile(entry, `${lines.join('\n')}\nexport { handler } from ${JSON.stringify(join(root, handler))};\n`);
  await bundle({ index: entry }, join(folder, 'eager'), {
    splitting: false,
    plugins: [],
    // CommonJS packages require Node's modules.
    banner: { js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);" },
  });
}

/** Milliseconds from spawn to the answer on stdout. */
async function firstAnswer(args: readonly string[], env: Record<string, string>): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  let milliseconds = 0;
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    printed += part;
    if (milliseconds === 0 && printed.includes('\nanswer ')) milliseconds = performance.now() - started;
  });
  await new Promise((resolve) => child.once('close', resolve));
  if (/^answer 200 \{.*\}$/m.test(printed)) return milliseconds;
  throw new Error(`${args.join(' ')} answered: ${printed}`);
}

async function sizes(folder: string): Promise<{ all: number; entry: number }> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.mjs'));
  const bytes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return { all: bytes.reduce((sum, size) => sum + size, 0), entry: (await stat(join(folder, 'index.mjs'))).size };
}

function report(subjects: readonly Subject[], size: { all: number; entry: number }, rounds: number): Section {
  const [, own, eager] = subjects as [Subject, Subject, Subject];
  const ratio = (request: keyof typeof requests, one: Subject) =>
    median(one.times[request]) / median(eager.times[request]);
  const rows = subjects.map((one) => {
    const { live, models } = one.times;
    return [
      one.name,
      spread(live, 0),
      ratio('live', one).toFixed(2),
      spread(models, 0),
      ratio('models', one).toFixed(2),
    ];
  });
  const kilobytes = (bytes: number) => `${Math.round(bytes / 1000)} KB`;
  return {
    title: 'Cold start of the `api` function',
    goals: [
      goal('cold start to the first answer, of eager imports: health', { most: 0.65 }, ratio('live', own), '×'),
      goal('cold start to the first answer, of eager imports: GET /models', { most: 0.65 }, ratio('models', own), '×'),
    ],
    text: `Milliseconds from spawn to the first answer of a new process that imports the function, ${rounds} spawns each, in turn.
\`GET /models\` reads DynamoDB (its stand-in). Eager is the same source in one file, where every lazy import is a static one and Node's
modules are imported directly. The deployed bundle has ${kilobytes(size.all)} of code, its entry ${kilobytes(size.entry)}; the rest is loaded when it is first needed.

${table(['', 'GET /v2/health/live, ms', '× eager', 'GET /models, ms', '× eager'], rows)}`,
  };
}
