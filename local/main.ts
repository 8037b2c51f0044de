import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { help, readOptions } from './options.ts';
import { prepareState } from './prepare-state.ts';
import { welcome } from './welcome.ts';

/** Milliseconds that requests in flight get when the platform is asked to end; the promise is a second for all of it. */
const graceMilliseconds = 500;

try {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options.help) console.log(help);
  else await run(options);
} catch (error) {
  console.error(`lambent: ${(error as Error).message}`);
  process.exit(1);
}

async function run(options: ReturnType<typeof readOptions>): Promise<void> {
  await prepareState(options.state);
  // What was compiled once is not compiled again, here and in the processes that run the functions.
  process.env.NODE_COMPILE_CACHE ??= join(options.state, 'compile-cache');
  enableCompileCache(process.env.NODE_COMPILE_CACHE);
  // Only now: help and refusals need none of it.
  const { startPlatform } = await import('./platform.ts');
  const platform = await startPlatform(options);
  let ending = false;
  const end = async () => {
    if (ending) return;
    ending = true;
    // The processes that run the functions end themselves when this one is gone, also while a model runs.
    setTimeout(() => process.exit(0), graceMilliseconds + 200).unref();
    await platform.close(graceMilliseconds);
    process.exit(0);
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  process.stdout.write(welcome({ ...platform, open: options.open, seconds: performance.now() / 1000 }));
}
