import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { RawAnswer, RawQuestion } from './peers/raw.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface Server {
  readonly process: ChildProcess;
  readonly url: string;
  /** What it printed until it was ready. */
  readonly printed: string;
}

const started = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});

/** Starts `node <args>` and waits until it prints `ready on <url>` and what else it has to say. */
export async function startServer(args: string[], environment: Record<string, string> = {}): Promise<Server> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.add(child);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    printed += part;
    const ready = /ready on (\S+)/.exec(printed);
    if (ready && printed.endsWith('\n')) resolve(ready[1]!);
  });
  child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}: ${printed}`)));
  const url = await promise;
  return { process: child, url, printed };
}

export interface Raw {
  readonly process: ChildProcess;
  ask<Kind extends RawQuestion['kind']>(question: RawQuestion & { kind: Kind }): Promise<RawAnswer & { kind: Kind }>;
}

export async function startRaw(folder: string): Promise<Raw> {
  const child = fork(fileURLToPath(new URL('peers/raw.ts', import.meta.url)), [folder], { serialization: 'advanced' });
  started.add(child);
  await once(child, 'message');
  return {
    process: child,
    async ask(question) {
      child.send(question);
      const [answer] = await once(child, 'message');
      return answer;
    },
  };
}

/** Ends what the bench started and waits for it. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

/** Most memory that the process of a function has had. */
export async function peakMegabytes(platform: number, functionName: string): Promise<number> {
  for (const id of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [arguments_, status] = await Promise.all(
      ['cmdline', 'status'].map((file) => readFile(`/proc/${id}/${file}`, 'utf8').catch(() => '')),
    );
    if (!arguments_!.includes(`{"${functionName}":`) || !status!.includes(`PPid:\t${platform}\n`)) continue;
    return Number(/VmHWM:\s+(\d+)/.exec(status!)?.[1]) / 1024;
  }
  return Number.NaN;
}
