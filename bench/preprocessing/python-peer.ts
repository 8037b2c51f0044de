import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../peers/preprocessing.py', import.meta.url));
/** `PYTHON` is asked first; Debian's packages are the system's Python's. */
const interpreters = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter((name) => name !== undefined);

export interface PythonPeer {
  readonly version: string;
  readonly answer: unknown;
  /** Milliseconds per call, as Python measures them. */
  time(work: string, calls: number): Promise<number>;
  end(): void;
}

/** Starts a peer in the first Python that can import `packages`; undefined: there is none. */
export async function startPython(
  peer: 'pillow' | 'tokenizers',
  packages: readonly string[],
  given: readonly unknown[],
): Promise<PythonPeer | undefined> {
  const imports = `import ${packages.join(', ')}`;
  const python = interpreters.find((name) => spawnSync(name, ['-c', imports], { stdio: 'ignore' }).status === 0);
  if (!python) return undefined;
  const child: ChildProcess = spawn(python, [script, peer], { stdio: ['pipe', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const ask = async (question: unknown): Promise<unknown> => {
    child.stdin!.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`the Python peer ${peer} ended`);
    return JSON.parse(value) as unknown;
  };
  const { version, answer } = (await ask(given)) as { version: string; answer: unknown };
  return {
    version,
    answer,
    time: async (work, calls) => (await ask([work, calls])) as number,
    end: () => child.stdin!.end(),
  };
}
