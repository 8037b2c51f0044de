import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvokeWithResponseStreamCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { Pool } from 'undici';
import { pushPackage } from '../commands/push-package.ts';
import { readConfig } from '../functions/config.ts';
import { createServices } from '../functions/create-services.ts';
import type { GenerateEvent, GenerateLine } from '../functions/host/generate-event.ts';
import type { ModelManifest } from '../functions/registry/model-manifest.ts';
import { end, startServer } from './processes.ts';
import { goal, type Section, table } from './report.ts';
import { median, quantile, spread } from './statistics.ts';

/** What one reader saw of one stream, in milliseconds and per second. */
interface Seen {
  readonly text: string;
  readonly firstMs: number;
  readonly chunksPerSecond: number;
}

type Read = (seed: number) => Promise<Seen>;

const tokens = 96;
const question = 'Tell me a story about Elizabeth and Mr. Darcy.';

/** A stream of the sample model, read through the API and read directly from the CPU host, in turn. */
export async function streaming({ quick }: { quick: boolean }): Promise<Section> {
  const state = await mkdtemp(join(tmpdir(), 'lambent-bench-streaming-'));
  const platform = await startServer(['local/main.ts'], { PORT: '0', LAMBENT_STATE: state });
  const pool = new Pool(platform.url, { connections: 1 });
  try {
    Object.assign(process.env, JSON.parse(await readFile(join(state, 'environment.json'), 'utf8')));
    const registered = await pushPackage('models/storyteller', createServices(readConfig(process.env)));
    if (!registered.model) throw new Error(`storyteller was refused: ${registered.reason}`);
    const key = await readFile(join(state, 'development-key'), 'utf8');
    const readers = { direct: readDirectly(registered.model.manifest), api: readFromApi(pool, key) };
    return await compare(readers, quick ? { rounds: 3, streams: 5 } : { rounds: 5, streams: 20 });
  } finally {
    await pool.close();
    await end(platform.process);
    await rm(state, { recursive: true, force: true });
  }
}

async function compare(
  readers: { readonly direct: Read; readonly api: Read },
  { rounds, streams }: { rounds: number; streams: number },
): Promise<Section> {
  // The answers first: the same text, whoever reads it. This also warms both ways.
  for (let seed = 0; seed < 5; seed++) {
    const [direct, api] = [await readers.direct(seed), await readers.api(seed)];
    if (direct.text !== api.text || api.text === '') throw new Error(`'${api.text}' is not '${direct.text}'`);
  }
  const seen = { direct: [] as Seen[][], api: [] as Seen[][] };
  for (let round = 0; round < rounds; round++) {
    for (const name of ['direct', 'api'] as const) {
      const all: Seen[] = [];
      for (let seed = 0; seed < streams; seed++) all.push(await readers[name](seed));
      seen[name].push(all);
    }
  }
  const firsts = (name: 'direct' | 'api') => seen[name].map((round) => median(round.map(({ firstMs }) => firstMs)));
  const rates = (name: 'direct' | 'api') =>
    seen[name].map((round) => median(round.map((each) => each.chunksPerSecond)));
  const p99 = (name: 'direct' | 'api') =>
    quantile(
      seen[name].flat().map(({ firstMs }) => firstMs),
      0.99,
    );
  const row = (name: 'direct' | 'api', what: string) => [
    what,
    spread(firsts(name), 2),
    p99(name).toFixed(2),
    spread(rates(name), 0),
    (median(rates(name)) / median(rates('direct'))).toFixed(2),
  ];
  const head = ['reader', 'first chunk: ms', 'p99', 'chunks/s', '× direct'];
  return {
    title: 'Streams: from the model to the caller',
    goals: [
      goal(
        'streaming: added to the first chunk',
        { most: 10 },
        median(firsts('api')) - median(firsts('direct')),
        ' ms',
      ),
      goal(
        'streaming: chunks/s of the direct stream',
        { least: 0.8 },
        median(rates('api')) / median(rates('direct')),
        '×',
      ),
    ],
    text: `storyteller, ${tokens} tokens at most, one stream at a time; the texts are compared first. \`direct\` invokes the CPU host's function with AWS's
client and reads its lines; \`lambent\` is POST /v1/chat/completions, which does the same inside. ${rounds} rounds of ${streams} streams, in turn.

${table(head, [row('direct', 'direct: InvokeWithResponseStream'), row('api', 'lambent: /v1/chat/completions')])}`,
  };
}

function readDirectly(manifest: ModelManifest): Read {
  const client = new LambdaClient();
  return async (seed) => {
    const event: GenerateEvent = {
      operation: 'generate',
      manifest: { ...manifest, golden: [] },
      deadline: Date.now() + 60_000,
      request: {
        ...{ prompt: { messages: [{ role: 'user', content: question }] }, maxTokens: tokens, seed, stop: [] },
        ...{ presencePenalty: 0, frequencyPenalty: 0, logitBias: {}, extra: {} },
      },
    };
    const clock = startClock();
    const Payload = Buffer.from(JSON.stringify(event));
    const answer = await client.send(new InvokeWithResponseStreamCommand({ FunctionName: 'infer', Payload }));
    let rest = '';
    for await (const { PayloadChunk } of answer.EventStream ?? []) {
      const lines = (rest + Buffer.from(PayloadChunk?.Payload ?? []).toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const told = JSON.parse(line) as GenerateLine;
        if (told.kind === 'error') throw new Error(told.error.message);
        if (told.kind === 'delta') clock.chunk(told.text);
      }
    }
    return clock.seen();
  };
}

function readFromApi(pool: Pool, key: string): Read {
  return async (seed) => {
    const messages = [{ role: 'user', content: question }];
    const body = JSON.stringify({ model: 'storyteller', messages, max_tokens: tokens, seed, stream: true });
    const headers = { 'x-api-key': key, 'content-type': 'application/json' };
    const clock = startClock();
    const answer = await pool.request({ method: 'POST', path: '/v1/chat/completions', headers, body });
    let rest = '';
    for await (const piece of answer.body.setEncoding('utf8') as AsyncIterable<string>) {
      const events = (rest + piece).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events.filter((each) => each !== 'data: [DONE]')) {
        const { choices, error } = JSON.parse(event.slice('data: '.length));
        if (error) throw new Error(error.message);
        clock.chunk(choices[0]?.delta.content ?? '');
      }
    }
    return clock.seen();
  };
}

/** Pieces without text are none: a role, an end, a character that is not complete. */
function startClock() {
  const started = performance.now();
  const times: number[] = [];
  let text = '';
  return {
    chunk(piece: string): void {
      if (piece === '') return;
      text += piece;
      times.push(performance.now() - started);
    },
    seen(): Seen {
      const [first = 0] = times;
      return { text, firstMs: first, chunksPerSecond: ((times.length - 1) * 1000) / (times.at(-1)! - first) };
    },
  };
}
