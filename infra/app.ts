import { buildFolder, buildFunctions } from './build.ts';
import { createApp } from './create-app.ts';

try {
  await buildFunctions();
  createApp(buildFolder).synth();
} catch (error) {
  // A choice that is not allowed or a handler that does not compile: the reason is enough, a stack trace hides it.
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
