import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { ServiceError } from '../errors.ts';
import type { ModelSource } from '../host/model-host.ts';
import { modelFileKey } from '../storage/object-keys.ts';
import type { ModelManifest } from './model-manifest.ts';

type ReadArtifact = (key: string) => Promise<Buffer>;

/** A model package in the artifacts bucket as the host's source: its graph and the external data that the graph names. */
export function packageSource(manifest: ModelManifest, readArtifact: ReadArtifact): ModelSource {
  const { name, version, model, files, maxBatchSize } = manifest;
  // Not name and version alone: a version that was refused may be uploaded again with other files.
  const digest = createHash('sha256')
    .update(JSON.stringify(Object.entries(files).sort()))
    .digest('hex');
  // Other graphs of the package (Hugging Face keeps quantized ones beside it) are not loaded.
  const loaded = Object.keys(files).filter((path) => path === model || !path.endsWith('.onnx'));
  return {
    id: `${name}/${version}/${model}/${digest}`,
    bytes: loaded.reduce((sum, path) => sum + files[path]!.size, 0),
    maxBatchSize,
    async load() {
      const graph = await readPackageFile(manifest, model, readArtifact);
      const located = findExternalData(graph).flatMap((path) => {
        const file = posix.join(posix.dirname(model), path);
        return Object.hasOwn(files, file) ? [{ path, file }] : [];
      });
      const read = async ({ path, file }: { path: string; file: string }) => {
        return { path, data: await readPackageFile(manifest, file, readArtifact) };
      };
      return { graph, externalData: await Promise.all(located.map(read)) };
    },
  };
}

/** One file of a package. Throws model_failed where it is not what model.json says. */
export async function readPackageFile(
  { name, version, files }: ModelManifest,
  path: string,
  readArtifact: ReadArtifact,
): Promise<Buffer> {
  const expected = files[path];
  if (!expected) throw new ServiceError('model_failed', `model.json lists no file '${path}'`);
  const body = await readArtifact(modelFileKey(name, version, path));
  if (body.length !== expected.size) {
    const message = `file '${path}' of the package has ${body.length} bytes; model.json says ${expected.size}`;
    throw new ServiceError('model_failed', message);
  }
  if (createHash('sha256').update(body).digest('hex') !== expected.sha256) {
    throw new ServiceError('model_failed', `file '${path}' of the package has another sha256 than model.json says`);
  }
  return body;
}

/**
 * The paths of external data files in a graph, relative to its folder, without parsing it: each is the value after the
 * key `location` in a StringStringEntryProto. What only looks like one is no file of the package.
 * Source: onnx.proto3, TensorProto.external_data.
 */
export function findExternalData(graph: Buffer): string[] {
  const marker = Buffer.from('\x0a\x08location\x12');
  const paths = new Set<string>();
  for (let at = graph.indexOf(marker); at >= 0; at = graph.indexOf(marker, at + 1)) {
    const start = at + marker.length;
    const first = graph[start] ?? 0;
    // A length above 127 takes a second byte; the paths of a package end at 512.
    const length = first < 128 ? first : (first & 127) | ((graph[start + 1] ?? 0) << 7);
    const from = start + (first < 128 ? 1 : 2);
    paths.add(graph.toString('utf8', from, from + length));
  }
  return [...paths];
}
