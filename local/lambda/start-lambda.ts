import { type FunctionName, functions } from '../../functions/manifest.ts';
import { type Supervisor, supervise } from '../supervisor.ts';

/** A function as the sandbox runs it. `module` is the URL of a module that exports `handler`. */
export interface LambdaFunction {
  readonly module: string;
  readonly timeoutSeconds: number;
  readonly memoryMiB: number;
}

interface LambdaOptions {
  readonly functions: Readonly<Record<string, LambdaFunction>>;
  /** The functions' environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly port?: number;
  /** Work that nobody waits for: little memory counts for more than the speed of V8's garbage collector. */
  readonly thrifty?: boolean;
  /** Start the sandbox when it is first called. */
  readonly lazy?: boolean;
}

/** Functions of the manifest, as infra deploys them. */
export function deployedFunctions(...names: FunctionName[]): Record<string, LambdaFunction> {
  return Object.fromEntries(
    names.map((name) => {
      const { timeoutSeconds, memoryMiB } = functions[name];
      const module = new URL(`../../functions/handlers/${name}.ts`, import.meta.url).href;
      return [name, { module, timeoutSeconds, memoryMiB }];
    }),
  );
}

/**
 * Lambda's Invoke API on 127.0.0.1. All of `functions` share one process, so what ends it ends all of their invocations:
 * functions that must not harm each other are started by two calls.
 */
export function startLambda(options: LambdaOptions): Promise<Supervisor> {
  const memoryMiB = Math.min(...Object.values(options.functions).map((one) => one.memoryMiB));
  // V8 knows how much memory the function has, as on Lambda; else it takes the machine's for its own.
  const heap = `--max-old-space-size=${Math.floor(0.9 * memoryMiB)}`;
  const longest = Math.max(...Object.values(options.functions).map(({ timeoutSeconds }) => timeoutSeconds));
  return supervise({
    name: `lambda ${Object.keys(options.functions).join(', ')}`,
    module: new URL('./sandbox.ts', import.meta.url),
    argument: options.functions,
    environment: options.environment,
    nodeOptions: options.thrifty ? [heap, '--max-semi-space-size=8'] : [heap],
    silenceSeconds: longest + 5,
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.lazy === undefined ? {} : { lazy: options.lazy }),
  });
}
