import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** What each layer holds: npm packages, and of each package the files that run. */
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

export type LayerName = keyof typeof layers;
export const layerNames = Object.keys(layers) as LayerName[];

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
export function layerPackages(layer: LayerName, arch: Architecture): LayerPackage[] {
  return layers[layer](arch).map(({ name, keep }) => {
    const { version, integrity } = lock.packages[`node_modules/${name}`] ?? {};
    if (!version || !integrity) throw new Error(`layers: package-lock.json has no version and integrity for ${name}`);
    return { name, version, integrity, keep };
  });
}

/** Changes whenever the content of the layer does: a package, its version, what is kept of it, how it is archived. */
export function layerHash(layer: LayerName, arch: Architecture): string {
  const hash = createHash('sha256');
  for (const { name, integrity, keep } of layerPackages(layer, arch))
    hash.update(`${name} ${integrity} ${keep.source}\n`);
  for (const script of ['./build.ts', './zip.ts']) hash.update(readFileSync(new URL(script, import.meta.url)));
  return hash.digest('hex');
}
