import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, type BuildResult, build, type Plugin } from 'esbuild';
import { type FunctionDefinition, type FunctionName, functions } from '../functions/manifest.ts';

const repositoryRoot = fileURLToPath(new URL('..', import.meta.url));

/** Where `npm run build` and `cdk synth` leave the functions: `dist/<function>/index.mjs`. */
export const buildFolder = join(repositoryRoot, 'dist');

/** Files beside the handler that are loaded by path at run time: a worker thread has an entry of its own. */
const workers = {
  'session-worker': 'functions/host/session-worker.ts',
  'task-worker': 'functions/threads/task-worker.ts',
};

/** Models run in the function that has ONNX Runtime; tasks in those that decode media. */
function workersOf({ layers }: FunctionDefinition): Record<string, string> {
  const { 'session-worker': session, 'task-worker': task } = workers;
  return {
    ...(layers.includes('onnxruntime') && { 'session-worker': session }),
    ...(layers.includes('media') && { 'task-worker': task }),
  };
}

/**
 * `import 'node:http'` runs a facade that reads every export, `http.WebSocket` too, and that loads undici: 31-49 ms of a
 * cold start. As a CommonJS module around getBuiltinModule, exports are read when they are used. CommonJS packages `require`
 * other modules of Node, which an ESM bundle cannot do in any other way.
 */
const lazyHttp: Plugin = {
  name: 'lazy-http',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:node:)?[a-z_]+$/ }, ({ path, kind }) => {
      const name = path.replace('node:', '');
      const lazy = /^https?$/.test(name) || (kind === 'require-call' && isBuiltin(name));
      return lazy ? { path: `node:${name}`, namespace: 'lazy-http' } : undefined;
    });
    onLoad({ filter: /.*/, namespace: 'lazy-http' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}')`,
    }));
  },
};

/** Bundles one function with all that it needs but its layers. */
async function buildFunction(name: FunctionName, folder: string): Promise<void> {
  const entryPoints = { index: `functions/handlers/${name}.ts`, ...workersOf(functions[name]) };
  for (const file of Object.values(entryPoints)) {
    if (existsSync(join(repositoryRoot, file))) continue;
    throw new Error(`function ${name} of functions/manifest.ts has no ${file}`);
  }
  await bundle(entryPoints, join(folder, name));
}

/** Bundles `entryPoints` (name → file) into `outdir/<name>.mjs` and lazy chunks; the same sources give the same bytes. */
export async function bundle(
  entryPoints: Record<string, string>,
  outdir: string,
  options: BuildOptions = {},
): Promise<BuildResult> {
  // Chunks carry their hash in their name: what an earlier build left would be deployed too.
  await rm(outdir, { recursive: true, force: true });
  return await build({
    absWorkingDir: repositoryRoot,
    entryPoints,
    outdir,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunk-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    minify: true,
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    external: ['onnxruntime-node', 'sharp'],
    plugins: [lazyHttp],
    logLevel: 'error',
    ...options,
  });
}

/** Bundles every function of functions/manifest.ts into `folder`; throws where a handler is missing or does not compile. */
export async function buildFunctions(folder: string = buildFolder): Promise<void> {
  const names = Object.keys(functions) as FunctionName[];
  await Promise.all(names.map((name) => buildFunction(name, folder)));
}

if (import.meta.main) {
  try {
    await buildFunctions();
    console.log(`built ${Object.keys(functions).join(', ')} in ${relative(process.cwd(), buildFolder) || '.'}/`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
