import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const functionRoot = /^functions\/[^/]+\.ts$/;

/** Folder → what its files may import inside the project, besides files of the folder itself. */
const allowed: Record<string, RegExp[]> = {
  'functions/handlers': [/^functions\//],
  'functions/http': [
    /^functions\/(page|files|generation|jobs|reports|tasks|threads|storage|registry|media|inference)\//,
    functionRoot,
  ],
  'functions/files': [/^functions\/storage\//, functionRoot],
  'functions/openapi': [/^functions\/(http|page|jobs|reports|tasks|storage|registry|inference)\//, functionRoot],
  'functions/queue': [functionRoot],
  'functions/page': [],
  'functions/reports': [/^functions\/(evaluation|datasets|jobs|media|page|tasks|storage|registry)\//, functionRoot],
  'functions/evaluation': [/^functions\/(media|tasks)\//, functionRoot],
  'functions/jobs': [
    /^functions\/(datasets|files|tasks|threads|storage|registry|inference)\//,
    /^functions\/(http\/(parse-input|render-error)|host\/batch)\.ts$/,
    functionRoot,
  ],
  'functions/archives': [/^functions\/errors\.ts$/],
  'functions/datasets': [/^functions\/(archives|page|tasks|storage|media|inference)\//, functionRoot],
  'functions/registry': [/^functions\/(generation|archives|tasks|host|storage|media|inference)\//, functionRoot],
  'functions/tasks': [/^functions\/(media|inference|registry\/model-manifest)/, /^functions\/errors\.ts$/],
  'functions/threads': [/^functions\/(tasks|inference)\//, /^functions\/registry\/model-manifest\.ts$/, functionRoot],
  'functions/storage': [],
  'functions/media': [/^functions\/(inference)\//, /^functions\/errors\.ts$/],
  'functions/inference': [/^functions\/errors\.ts$/],
  'functions/generation': [/^functions\/inference\//, functionRoot],
  'functions/host': [/^functions\/(generation|inference|storage|registry)\//, functionRoot],
  'functions/aws': [/^functions\/(inference|jobs|storage|registry|host|generation)\//, functionRoot],
  functions: [/^functions\/tasks\/task-names\.ts$/, /^functions\/(aws|registry|inference|jobs|storage|generation)\//],
  infra: [/^functions\/(manifest|config)\.ts$/, /^functions\/storage\/object-keys\.ts$/, /^layers\//],
  layers: [/^functions\/manifest\.ts$/],
  local: [
    /^functions\/(archives|generation|handlers|host|http|inference|registry|storage)\//,
    functionRoot,
    /^commands\//,
  ],
  commands: [/^functions\//],
  test: [/./],
  bench: [/^(?!test\/)/, /^test\/onnx-model\.ts$/],
};

/** Packages that only certain folders may import. */
const reserved: [RegExp, RegExp][] = [
  [/^@aws-sdk\//, /^(functions\/aws|test|bench)\//],
  [/^aws-cdk-lib|^constructs$|^cdk-nag$/, /^(infra|test)\//],
  [/^dynalite$/, /^local\//],
];

async function imports(): Promise<{ from: string; to: string; text: string }[]> {
  const found: { from: string; to: string; text: string }[] = [];
  for await (const file of glob('{functions,infra,layers,local,commands,test,bench}/**/*.ts')) {
    const text = readFileSync(file, 'utf8');
    for (const match of text.matchAll(/^(?:import|export)\b[^;]*?from '([^']+)'|\bimport\('([^']+)'\)/gm)) {
      found.push({ from: file, to: (match[1] ?? match[2]) as string, text });
    }
  }
  return found;
}

function folderOf(file: string): string {
  return Object.keys(allowed)
    .filter((folder) => file.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0] as string;
}

test('every import goes the way that docs/architecture.md allows', async () => {
  const wrong: string[] = [];
  const all = await imports();
  for (const { from, to } of all) {
    if (!to.startsWith('.')) {
      for (const [name, folders] of reserved) if (name.test(to) && !folders.test(from)) wrong.push(`${from} → ${to}`);
      continue;
    }
    const target = normalize(join(dirname(from), to));
    const folder = folderOf(from);
    const own = dirname(target) === folder || target.startsWith(`${folder}/`);
    if (!(own || allowed[folder]?.some((pattern) => pattern.test(target)))) wrong.push(`${from} → ${target}`);
  }
  assert.deepEqual(wrong, []);
  assert.ok(all.length > 100, 'the test reads the imports');
});

test('pure folders read no environment, clock or randomness', async () => {
  const wrong: string[] = [];
  for await (const file of glob('functions/{evaluation,inference,media,page,tasks}/**/*.ts')) {
    // A decoder like the others, bytes to pixels, that happens to be a program in PATH.
    if (file === 'functions/media/ffmpeg.ts') continue;
    const text = readFileSync(file, 'utf8');
    if (
      /process\.env|Date\.now\(|new Date\(|Math\.random|performance\.now|node:(fs|http|net|child_process)/.test(text)
    ) {
      wrong.push(file);
    }
  }
  assert.deepEqual(wrong, []);
});
