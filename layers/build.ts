import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FunctionName, functions, type LayerName, layersOf } from '../functions/manifest.ts';
import { buildFfmpeg } from './ffmpeg.ts';
import { type Architecture, type LayerPackage, layerPackages, packageLayers } from './packages.ts';
import { zip } from './zip.ts';

/** Lambda's limit on a function's code and layers, unpacked. */
const maxUnzippedBytes = 250 * 1024 * 1024;

const repositoryRoot = fileURLToPath(new URL('..', import.meta.url));
const distFolder = join(repositoryRoot, 'dist');
const alwaysKept = /^(package\.json|licen[cs]e.*|copying.*|.*notices.*)$/i;

/**
 * Builds a layer into `<folder>/<layer>/nodejs/node_modules/…` (ffmpeg: `bin/…`) and returns that folder. Packages come from
 * node_modules; what npm did not install there, being for another kind of machine, is fetched by name and checked against the
 * lock.
 */
export async function buildLayer(layer: LayerName, arch: Architecture, folder: string): Promise<string> {
  const target = join(folder, layer);
  rmSync(target, { recursive: true, force: true });
  if (layer === 'ffmpeg') {
    cpSync(await buildFfmpeg(arch, join(distFolder, 'packages')), target, { recursive: true });
    return target;
  }
  for (const entry of layerPackages(layer, arch)) {
    const installed = join(repositoryRoot, 'node_modules', entry.name);
    const source = existsSync(installed) ? installed : fetchPackage(entry);
    const kept = listFiles(source).filter((path) => alwaysKept.test(path) || entry.keep.test(path));
    for (const path of kept) {
      const destination = join(target, 'nodejs', 'node_modules', entry.name, path);
      mkdirSync(dirname(destination), { recursive: true });
      writeFileSync(destination, readFileSync(join(source, path)));
    }
  }
  return target;
}

/** Archives what buildLayer made and returns the archive's path; the same files give the same bytes. */
export function zipLayer(folder: string): string {
  const path = `${folder}.zip`;
  const files = listFiles(folder).map((file) => {
    return { path: file, content: readFileSync(join(folder, file)), executable: file.startsWith('bin/') };
  });
  writeFileSync(path, zip(files));
  return path;
}

/** Bytes of all files under `folder`. */
export function folderBytes(folder: string): number {
  return listFiles(folder).reduce((sum, path) => sum + statSync(join(folder, path)).size, 0);
}

/**
 * Unzipped bytes of each function with its layers, where all of them are built; ffmpeg, which is a choice, counts where it is.
 * Throws where one is over Lambda's limit.
 */
export function measureFunctions(buildFolder: string, layersFolder: string): Map<FunctionName, number> {
  const sizes = new Map<FunctionName, number>();
  const video = existsSync(join(layersFolder, 'ffmpeg'));
  for (const [name, definition] of Object.entries(functions)) {
    const layers = layersOf(definition, video);
    const folders = [join(buildFolder, name), ...layers.map((layer) => join(layersFolder, layer))];
    if (!folders.every((folder) => existsSync(folder))) continue;
    const bytes = folders.reduce((sum, folder) => sum + folderBytes(folder), 0);
    if (bytes > maxUnzippedBytes) {
      throw new Error(`${name}: ${bytes} bytes with its layers, unzipped; Lambda takes at most ${maxUnzippedBytes}`);
    }
    sizes.set(name as FunctionName, bytes);
  }
  return sizes;
}

/** Paths of all files under `folder`, with slashes, in one order on every machine. */
function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
}

/** Lets npm fetch one package, whatever machine it is for, and unpacks it once under dist/. */
export function fetchPackage({ name, version, integrity }: Omit<LayerPackage, 'keep'>): string {
  const folder = join(distFolder, 'packages', `${name.replace('/', '+')}-${version}`);
  if (existsSync(folder)) return folder;
  const unpacked = `${folder}.${process.pid}`;
  mkdirSync(unpacked, { recursive: true });
  const archive = packFromRegistry(`${name}@${version}`, unpacked);
  const actual = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (actual !== integrity) {
    rmSync(unpacked, { recursive: true });
    throw new Error(`${name}@${version}: integrity is ${actual}, package-lock.json has ${integrity}`);
  }
  execFileSync('tar', ['-xzf', archive, '-C', unpacked, '--strip-components=1']);
  rmSync(archive);
  // Only now under its name: a folder that is there is complete.
  renameSync(unpacked, folder);
  return folder;
}

function packFromRegistry(specifier: string, folder: string): string {
  try {
    // A shell only where npm is a .cmd file; the specifier comes from package-lock.json.
    const shell = process.platform === 'win32';
    const output = execFileSync('npm', ['pack', specifier, '--json', '--pack-destination', folder], {
      cwd: repositoryRoot,
      encoding: 'utf8',
      shell,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [packed] = JSON.parse(output) as [{ filename: string }];
    return join(folder, packed.filename);
  } catch (error) {
    throw new Error(`npm could not fetch ${specifier}; is the registry in reach?`, {
      cause: error,
    });
  }
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/**
 * `node layers/build.ts [layer]`: CDK publishes the archive whose path is the only line on stdout. Without a name all layers
 * of npm packages are built; `ffmpeg` needs a C compiler and is built when it is named.
 */
async function main(wanted: string | undefined): Promise<void> {
  const all: readonly LayerName[] = [...packageLayers, 'ffmpeg'];
  const names = wanted === undefined ? packageLayers : all.filter((name) => name === wanted);
  if (names.length === 0) throw new Error(`no layer ${wanted}; there are ${all.join(', ')}`);
  const folder = join(distFolder, 'layers');
  for (const name of names) {
    const built = await buildLayer(name, 'arm64', folder);
    const archive = zipLayer(built);
    console.error(`layer ${name}: ${megabytes(folderBytes(built))}, zipped ${megabytes(statSync(archive).size)}`);
    console.log(archive);
  }
  for (const [name, bytes] of measureFunctions(distFolder, folder)) {
    console.error(`function ${name} with its layers: ${megabytes(bytes)} of ${megabytes(maxUnzippedBytes)}`);
  }
}

if (import.meta.main) {
  try {
    await main(process.argv[2]);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
