import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('../../', import.meta.url).pathname;

/** One for all tests: each platform would compile the same files again. */
export const compileCache = { NODE_COMPILE_CACHE: join(tmpdir(), 'lambent-compile-cache') };

export interface RunningPlatform {
  readonly url: string;
  readonly secret: string;
  readonly state: string;
  readonly child: ChildProcess;
  /** All that it printed so far, on both streams. */
  printed(): string;
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Sends `signal` and gives what the process ended with. */
  end(signal?: NodeJS.Signals): Promise<{ code: number | null; milliseconds: number }>;
}

/** A state folder for the time of a test file. */
export async function temporaryState(): Promise<{ state: string; remove(): Promise<void> }> {
  const state = await mkdtemp(join(tmpdir(), 'lambent-'));
  return { state, remove: () => rm(state, { recursive: true, force: true, maxRetries: 10 }) };
}

/** `npm start` as a process of its own, on a port of its own. */
export async function runPlatform(state: string, args: readonly string[] = []): Promise<RunningPlatform> {
  const { child, printed } = launch(args, { PORT: '0', LAMBENT_STATE: state });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      const match = /ready on (\S+)/.exec(printed());
      if (match && printed().endsWith('kept.\n')) resolve(match[1] as string);
    });
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${printed()}`)));
  });
  const secret = /lam_\S+/.exec(printed())?.[0] ?? '';
  return {
    url,
    secret,
    state,
    child,
    printed,
    request: (path, init = {}) =>
      fetch(url + path, { ...init, headers: { 'x-api-key': secret, ...(init.headers as Record<string, string>) } }),
    end: async (signal = 'SIGTERM') => {
      const started = performance.now();
      const exited = once(child, 'exit');
      child.kill(signal);
      const [code] = await exited;
      return { code, milliseconds: performance.now() - started };
    },
  };
}

/** Starts it and waits for its end, for what refuses to start. */
export async function runToEnd(
  args: readonly string[],
  environment: Record<string, string>,
): Promise<{ code: number | null; printed: string }> {
  const { child, printed } = launch(args, environment);
  const [code] = await once(child, 'exit');
  return { code, printed: printed() };
}

function launch(args: readonly string[], environment: Record<string, string>) {
  const child = spawn(process.execPath, ['local/main.ts', ...args], {
    cwd: root,
    env: { ...process.env, ...compileCache, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (text += part));
  return { child, printed: () => text };
}
