import { createHash } from 'node:crypto';
import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import { modelFileKey, servingKey } from '../storage/object-keys.ts';
import { textGeneration } from '../tasks/task-names.ts';
import { checkExternalData, checkFileList, checkFiles, hasWeights, isForLlmHostAlone } from './check-files.ts';
import type { Model, ModelManifest, ModelVersion } from './model-manifest.ts';
import { packageSource } from './package-source.ts';
import { maxManifestBytes, parseManifest, refusal } from './parse-manifest.ts';
import { proveGolden } from './prove-golden.ts';
import { readAssets } from './read-assets.ts';
import { tritonArchive } from './triton-package.ts';
import { tryTask } from './try-task.ts';

export type OpenEffects = Pick<
  Services,
  'readArtifact' | 'inspectArtifact' | 'writeArtifact' | 'replaceArtifact' | 'describe' | 'infer' | 'generate'
>;

export interface OpenedPackage {
  readonly model: ModelVersion;
  /** Why no archive was written for the GPU host; undefined: one was. */
  readonly withoutArchive?: string;
}

/** Of JSON; DynamoDB counts in another way. */
const maxEntryBytes = 300_000;
/** Larger ones are not packaged for Triton: the archive is made in memory, which holds it three times. */
const maxArchiveBytes = 400_000_000;

/** An uploaded package, validated and proved; its Triton archive is written. Throws invalid_request, model_failed. */
export async function openPackage(
  { name, version }: { name: string; version: string },
  effects: OpenEffects,
  deadline: number,
): Promise<OpenedPackage> {
  const manifest = parseManifest(
    await effects.readArtifact(modelFileKey(name, version, 'model.json'), maxManifestBytes),
  );
  if (manifest.name !== name || manifest.version !== version) {
    throw refusal(`model.json is for ${manifest.name}/${manifest.version} but was uploaded as ${name}/${version}`);
  }
  checkFileList(manifest);
  await checkFiles(manifest, effects);
  // Nothing here can run it: what it is worth shows on the LLM host.
  if (isForLlmHostAlone(manifest)) {
    return { model: toEntry(manifest, { inputs: [], outputs: [] }) };
  }
  const files = await packageSource(manifest, effects.readArtifact).load();
  checkExternalData(Buffer.from(files.graph.buffer, files.graph.byteOffset, files.graph.byteLength), manifest);
  // Whatever host is meant to serve it, the CPU host proves it.
  const onCpu: ModelManifest = { ...manifest, host: 'lambda' };
  const tensors = await effects.describe(onCpu, deadline);
  checkBatch(manifest, tensors);
  const proved: Model = { manifest: onCpu, ...tensors, assets: await readAssets(manifest, effects.readArtifact) };
  await tryTask(proved, effects, deadline);
  await proveGolden(proved, effects, deadline);
  const model = toEntry(manifest, tensors);
  const withoutArchive =
    manifest.task === textGeneration ? missingWeights(manifest) : await writeArchive(model, files, effects);
  if (withoutArchive !== undefined && manifest.host === 'sagemaker') throw refusal(withoutArchive);
  return { model, ...(withoutArchive !== undefined && { withoutArchive }) };
}

/** What the table keeps of a version, in one item of at most 400 KB: golden cases, which may be large, have done their work. */
function toEntry(manifest: ModelManifest, tensors: Omit<ModelVersion, 'manifest'>): ModelVersion {
  const entry = { manifest: { ...manifest, golden: [] }, ...tensors };
  const bytes = Buffer.byteLength(JSON.stringify(entry));
  if (bytes <= maxEntryBytes) return entry;
  const advice = 'name labels in config.json (id2label) and list fewer files';
  throw refusal(
    `model.json without golden, with the graph's tensors, has ${bytes} bytes; ${maxEntryBytes} are kept: ${advice}`,
  );
}

function checkBatch({ maxBatchSize }: ModelManifest, { inputs, outputs }: Omit<ModelVersion, 'manifest'>): void {
  const fixed = [...inputs, ...outputs].find(({ shape }) => shape[0] !== -1);
  if (maxBatchSize === 0 || !fixed) return;
  const shape = `'${fixed.name}' has shape [${fixed.shape}]`;
  throw refusal(`maxBatchSize is ${maxBatchSize} but dimension 0 of ${shape} is no batch: set maxBatchSize to 0`);
}

/** A language model is served by the LLM host, which needs no archive but weights. */
function missingWeights(manifest: ModelManifest): string | undefined {
  return hasWeights(manifest) ? undefined : 'the package has no .safetensors, which the LLM host loads';
}

/** Says why there is none where Triton cannot serve the graph, which hinders only the GPU host. */
async function writeArchive(
  model: ModelVersion,
  files: Parameters<typeof tritonArchive>[1],
  effects: Pick<Services, 'writeArtifact' | 'replaceArtifact' | 'inspectArtifact'>,
): Promise<string | undefined> {
  const bytes = files.externalData.reduce((sum, { data }) => sum + data.length, files.graph.length);
  if (bytes > maxArchiveBytes)
    return `the model has ${bytes} bytes; archives for the GPU host are made up to ${maxArchiveBytes}`;
  let archive: Uint8Array;
  try {
    archive = tritonArchive(model, files);
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'invalid_request') return error.message;
    throw error;
  }
  const key = servingKey(model.manifest.name, model.manifest.version);
  if (await effects.writeArtifact(key, archive)) return undefined;
  // What an earlier try of this version, with other files, has left: it never was READY, so no host has read it.
  const found = await effects.inspectArtifact(key, archive.length);
  const sha256 = createHash('sha256').update(archive).digest('hex');
  if (found?.sha256 !== sha256) await effects.replaceArtifact(key, archive);
  return undefined;
}
