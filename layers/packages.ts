import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { LayerName } from '../functions/manifest.ts';
import { ffmpegRecipe } from './ffmpeg.ts';

/** What each layer of npm packages holds, and of each package the files that run. */
const layers = {
  onnxruntime: (arch: Architecture) => [
    { name: 'onnxruntime-node', keep: new RegExp(`^(dist/.*\\.js|bin/napi-v6/linux/${arch}/.*)$`) },
    { name: 'onnxruntime-common', keep: /^dist\/cjs\/.*\.(js|json)$/ },
  ],
  media: (arch: Architecture) => [
    { name: 'sharp', keep: /^dist\/.*\.[cm]js$/ },
    { name: '@img/colour', keep: /\.c?js$/ },
    { name: 'detect-libc', keep: /^lib\/.*\.js$/ },
    { name: 'semver', keep: /\.js$/ },
    { name: `@img/sharp-linux-${arch}`, keep: /^(lib\/.*|index\.cjs)$/ },
    { name: `@img/sharp-libvips-linux-${arch}`, keep: /^lib\/(.*\.so[.\d]*|index\.js)$/ },
  ],
};

export type PackageLayer = keyof typeof layers;
export const packageLayers = Object.keys(layers) as PackageLayer[];

/** Of the machine that runs the layer. Lambda: arm64. */
export type Architecture = 'arm64' | 'x64';

export interface LayerPackage {
  readonly name: string;
  readonly version: string;
  /** Subresource integrity of the package's archive, as package-lock.json has it. */
  readonly integrity: string;
  /** Matches the paths inside the package that the layer takes; package.json and licences always come along. */
  readonly keep: RegExp;
}

interface Lock {
  readonly packages: Readonly<Record<string, { version?: string; integrity?: string } | undefined>>;
}

const lock: Lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));

/** The packages of a layer at the versions of package-lock.json. Throws where the lock does not know one. */
export function layerPackages(layer: PackageLayer, arch: Architecture): LayerPackage[] {
  return layers[layer](arch).map(({ name, keep }) => {
    const { version, integrity } = lock.packages[`node_modules/${name}`] ?? {};
    if (!version || !integrity) throw new Error(`layers: package-lock.json has no version and integrity for ${name}`);
    return { name, version, integrity, keep };
  });
}

/** What a layer is made of, for people. */
export function describeLayer(layer: LayerName, arch: Architecture): string {
  if (layer === 'ffmpeg') return `ffmpeg@${ffmpegRecipe.version} (LGPL 2.1)`;
  return layerPackages(layer, arch)
    .map(({ name, version }) => `${name}@${version}`)
    .join(' ');
}

/** Changes whenever the content of the layer does: a package, its version, what is kept of it, how it is built and archived. */
export function layerHash(layer: LayerName, arch: Architecture): string {
  const hash = createHash('sha256');
  if (layer === 'ffmpeg') hash.update(JSON.stringify([ffmpegRecipe, arch]));
  else
    for (const { name, integrity, keep } of layerPackages(layer, arch))
      hash.update(`${name} ${integrity} ${keep.source}\n`);
  const scripts = ['./build.ts', './zip.ts', ...(layer === 'ffmpeg' ? ['./ffmpeg.ts'] : [])];
  for (const script of scripts) hash.update(readFileSync(new URL(script, import.meta.url)));
  return hash.digest('hex');
}
