import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ModelManifest } from '../../functions/registry/model-manifest.ts';
import type { RunningPlatform } from './run-platform.ts';

const root = new URL('../../', import.meta.url).pathname;

/** Makes a package of a bare graph and pushes it as an owner does, by `npm run push`. */
export function pushModel(
  platform: RunningPlatform,
  manifest: Partial<ModelManifest> & { name: string },
  graph: Uint8Array,
): Promise<string> {
  return pushFiles(platform, manifest, { 'model.onnx': graph });
}

/** The same for a package of several files, by their paths. */
export async function pushFiles(
  platform: RunningPlatform,
  manifest: Partial<ModelManifest> & { name: string },
  contents: Readonly<Record<string, Uint8Array>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'package-'));
  const files: ModelManifest['files'] = {};
  for (const [path, body] of Object.entries(contents)) {
    files[path] = { sha256: createHash('sha256').update(body).digest('hex'), size: body.length };
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), body);
  }
  await writeFile(join(folder, 'model.json'), JSON.stringify({ version: '1', ...manifest, files }));
  try {
    return await pushFolder(platform, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Pushes a package as an owner does, by `npm run push`, and gives what it printed. */
export async function pushFolder(platform: RunningPlatform, folder: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['commands/push.ts', folder], {
    cwd: root,
    env: { ...process.env, LAMBENT_STATE: platform.state },
  });
  return stdout;
}
