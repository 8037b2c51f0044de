import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { FromChild, ToChild } from './supervised.ts';

interface SupervisorOptions {
  /** For messages to people, e.g. `lambda infer`. */
  readonly name: string;
  /** The program to run; it calls `serveSupervised`. */
  readonly module: URL;
  /** What the program gets as its first argument, as JSON. */
  readonly argument: unknown;
  /** Its whole environment, but for what a process needs to run at all: nothing of this shell's AWS settings gets in. */
  readonly environment: Readonly<Record<string, string>>;
  /** Options of `node`. */
  readonly nodeOptions?: readonly string[];
  readonly port?: number;
  /** Start the process when the first connection comes. */
  readonly lazy?: boolean;
  /** A process whose event loop has stood still for this long is killed. */
  readonly silenceSeconds: number;
}

export interface Supervisor {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Of the process that answers now; undefined: none. */
  pid(): number | undefined;
  /** Ends the process: half a second to finish what it does, then it is killed. */
  close(): Promise<void>;
}

interface Serving {
  readonly child: ChildProcess;
  readonly startedAt: number;
  ready: boolean;
  /** A connection that was sent to the process and not taken yet. */
  inTransit?: Socket | undefined;
}

const startSeconds = 30;
const graceMs = { retire: 2000, close: 500 };
const inherited = ['PATH', 'SystemRoot', 'TMPDIR', 'TEMP', 'NODE_COMPILE_CACHE'];

/**
 * A port whose connections are answered by a process of its own, which is started again when it dies. This process
 * accepts connections and hands them over, so none is refused while a new process starts, and no byte passes twice.
 */
export async function supervise(options: SupervisorOptions): Promise<Supervisor> {
  const waiting: Socket[] = [];
  const children = new Set<ChildProcess>();
  let current: Serving | undefined;
  let restart: NodeJS.Timeout | undefined;
  let failures = 0;
  let closing = false;

  /** One at a time, and kept open until it is taken, so that none is lost when the process dies. */
  const handOver = () => {
    if (!current) return restart ? undefined : start();
    if (!current.ready || current.inTransit || !current.child.connected) return;
    current.inTransit = waiting.shift();
    if (!current.inTransit) return;
    current.child.send('connection' satisfies ToChild, current.inTransit, { keepOpen: true }, () => {});
  };

  /** A process that lived for ten seconds is replaced at once, one that fails again and again every five seconds. */
  const replace = (startedAt: number) => {
    current = undefined;
    failures = performance.now() - startedAt > 10_000 ? 0 : failures + 1;
    const delayMs = failures === 0 ? 0 : Math.min(5000, 25 * 2 ** failures);
    restart = setTimeout(() => {
      restart = undefined;
      start();
    }, delayMs);
  };

  const start = () => {
    const child = spawn(options);
    const serving: Serving = { child, ready: false, startedAt: performance.now() };
    let silentSeconds = 0;
    current = serving;
    children.add(child);
    const watch = setInterval(() => {
      silentSeconds += 1;
      if (silentSeconds > (serving.ready ? options.silenceSeconds : startSeconds)) child.kill('SIGKILL');
      else if (child.connected) child.send('ping' satisfies ToChild, () => {});
    }, 1000).unref();
    child.on('message', (message: FromChild) => {
      silentSeconds = 0;
      if (message === 'ready') serving.ready = true;
      if (message === 'accepted') {
        serving.inTransit?.destroy();
        serving.inTransit = undefined;
      }
      if (message === 'drained') child.kill('SIGKILL');
      if (message === 'retire') {
        setTimeout(() => child.kill('SIGKILL'), graceMs.retire).unref();
        if (current === serving && !closing) replace(serving.startedAt);
      } else handOver();
    });
    const ended = (reason: string) => {
      clearInterval(watch);
      children.delete(child);
      if (serving.inTransit) waiting.unshift(serving.inTransit);
      if (closing || (current === serving && !serving.ready)) for (const socket of waiting.splice(0)) socket.destroy();
      if (closing) return;
      if (current !== serving) return handOver();
      process.stderr.write(`${options.name} ended (${reason}); starting it again\n`);
      replace(serving.startedAt);
    };
    child.on('error', (error) => child.pid === undefined && ended(error.message));
    // Not 'exit': what the process has said last may be read after it.
    child.once('close', (code, signal) => ended(signal ?? `exit code ${code}`));
  };

  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    socket.on('error', () => {});
    waiting.push(socket);
    handOver();
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  if (!options.lazy) start();

  const close = async () => {
    closing = true;
    clearTimeout(restart);
    for (const socket of waiting.splice(0)) socket.destroy();
    // Not waited for: it would count connections that it has sent to a process which died before it took them.
    server.close();
    await Promise.all([...children].map(end));
  };
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, pid: () => current?.child.pid, close };
}

function spawn({ module, argument, environment, nodeOptions = [] }: SupervisorOptions): ChildProcess {
  const own = inherited.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return fork(module, [JSON.stringify(argument)], {
    env: { ...Object.fromEntries(own), ...environment },
    execArgv: [...nodeOptions],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), graceMs.close);
  await exited;
  clearTimeout(kill);
}
