import { posix } from 'node:path';
import type { Services } from '../services.ts';
import { modelFileKey } from '../storage/object-keys.ts';
import { textGeneration } from '../tasks/task-names.ts';
import type { ModelManifest } from './model-manifest.ts';
import { findExternalData } from './package-source.ts';
import { refusal } from './parse-manifest.ts';

/** A package's bytes and files. The CPU host keeps models up to this size. */
const maxPackageBytes = 1_000_000_000;
/** What the LLM host loads: more than 600 billion parameters of 16 bits. */
const maxLanguageModelBytes = 1_500_000_000_000;
const maxFiles = 1000;
const filesAtOnce = 4;

/** File names of formats that run code when they are loaded, or that no host loads. */
const refusedNames: readonly [RegExp, string][] = [
  [/\.(pt|pth|ckpt|pkl|pickle|joblib|dill)$/i, 'may hold a pickle, which runs code when it is loaded'],
  [/\.(h5|hdf5|keras)$/i, 'is a Keras model, whose Lambda layers run code when it is loaded'],
  [
    /\.(py|pyc|pyd|ipynb|sh|so|dll|dylib|exe|js|mjs|wasm)$/i,
    "is code: a package has none, nor Triton's Python backend",
  ],
  [/\.(pb|pbtxt|tflite|safetensors|gguf|engine|plan|mlmodel|xml)$/i, 'is a model in another format'],
  [/\.(zip|tar|tgz|gz|7z|rar|whl)$/i, 'is an archive: upload the files that are in it'],
];

/** First bytes, in hex, that tell the same of a file of any name. */
const refusedBytes: readonly [RegExp, string][] = [
  [/^800[2-5]([2-7].|95)/, 'is a pickle, which runs code when it is loaded'],
  [/^504b0304/, 'is a zip archive, as PyTorch and Keras save models: these run code when they are loaded'],
  [/^894844460d0a/, 'is an HDF5 file, as Keras saves models: their Lambda layers run code when they are loaded'],
  [/^(7f454c46|4d5a9000|23212f|cffaedfe)/, 'is a program: a package has none'],
  [/^1f8b08/, 'is compressed: upload the file that is in it'],
  [
    new RegExp(`^${Buffer.from('version https://git-lfs').toString('hex')}`),
    'is a Git LFS pointer in the place of the file: run `git lfs pull` and push again',
  ],
];

/** What model.json itself shows to be wrong, before any file is read. Throws invalid_request. */
export function checkFileList(manifest: ModelManifest): void {
  const files = Object.entries(manifest.files);
  if (files.length > maxFiles) throw refusal(`model.json lists ${files.length} files; ${maxFiles} are allowed`);
  const total = files.reduce((sum, [, { size }]) => sum + size, 0);
  const most = hasWeights(manifest) ? maxLanguageModelBytes : maxPackageBytes;
  if (total > most) throw refusal(`the files have ${total} bytes by model.json; a package may have ${most}`);
  for (const [path, { size }] of files) {
    const reason = isWeights(manifest, path) ? undefined : refusedNames.find(([pattern]) => pattern.test(path))?.[1];
    if (reason) throw refusal(`'${path}' ${reason}; only ONNX is served`);
    if (size === 0) throw refusal(`'${path}' is empty by model.json`);
  }
  if (isForLlmHostAlone(manifest)) {
    checkLanguageModel(manifest);
    return;
  }
  if (!manifest.model.endsWith('.onnx'))
    throw refusal(`the graph '${manifest.model}' is no .onnx file; only ONNX is served`);
  if (!(manifest.model in manifest.files)) {
    throw refusal(`model.json lists no file '${manifest.model}', which it names as the graph`);
  }
}

/** A package of weights in safetensors, without a graph: the LLM host alone can serve it. */
export function isForLlmHostAlone(manifest: ModelManifest): boolean {
  return hasWeights(manifest) && !(manifest.model in manifest.files);
}

/** Weights of a language model, which only the LLM host reads. Safetensors hold numbers and nothing that runs. */
function isWeights({ task }: ModelManifest, path: string): boolean {
  return task === textGeneration && path.endsWith('.safetensors');
}

export function hasWeights(manifest: ModelManifest): boolean {
  return Object.keys(manifest.files).some((path) => isWeights(manifest, path) && !path.startsWith('adapters/'));
}

/** Source: deepjavalibrary/djl-serving, serving/docs/lmi/deployment_guide/model-artifacts.md; adapters.md. */
function checkLanguageModel({ files, host, standIn }: ModelManifest): void {
  if (host !== 'sagemaker') throw refusal('weights in safetensors are served by the LLM host: set host to sagemaker');
  if (standIn) throw refusal('standIn needs an ONNX graph beside the weights, which the CPU host runs');
  for (const path of ['config.json', 'tokenizer_config.json']) {
    if (!(path in files)) throw refusal(`model.json lists no file '${path}', which the LLM host reads`);
  }
  const tokenizers = ['tokenizer.json', 'tokenizer.model', 'vocab.json'];
  if (!tokenizers.some((path) => path in files)) throw refusal(`model.json lists none of ${tokenizers.join(', ')}`);
  const adapters = Object.keys(files).filter((path) => path.startsWith('adapters/') && path.endsWith('.safetensors'));
  for (const path of adapters) {
    const config = `${posix.dirname(path)}/adapter_config.json`;
    if (!(config in files)) throw refusal(`the adapter '${path}' has no ${config}`);
  }
}

/** Reads every file once, in pieces: is it there, and is it what model.json says? Throws invalid_request. */
export async function checkFiles(manifest: ModelManifest, effects: Pick<Services, 'inspectArtifact'>): Promise<void> {
  const waiting = Object.entries(manifest.files);
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [path, { size, sha256 }] = next;
      const weights = isWeights(manifest, path);
      const key = modelFileKey(manifest.name, manifest.version, path);
      // Of weights the size and the first bytes: there can be hundreds of gigabytes, whose checksums S3 has compared.
      const found = await effects.inspectArtifact(key, size, { headOnly: weights });
      if (!found) throw refusal(`'${path}' is listed in model.json but was not uploaded`);
      if (found.size !== size) throw refusal(`'${path}' has ${found.size} bytes; model.json says ${size}`);
      const reason = refusedBytes.find(([pattern]) => pattern.test(found.head))?.[1];
      if (reason) throw refusal(`'${path}' ${reason}; only ONNX is served`);
      if (weights) checkSafetensors(path, size, found.head);
      else if (found.sha256 !== sha256)
        throw refusal(`'${path}' has the sha256 ${found.sha256}; model.json says ${sha256}`);
    }
  };
  await Promise.all(Array.from({ length: filesAtOnce }, worker));
}

/** Source: huggingface/safetensors, README.md, "Format": the length of a header in JSON, the header, the numbers. */
function checkSafetensors(path: string, size: number, head: string): void {
  const bytes = Buffer.from(head, 'hex');
  const length = bytes.length > 8 ? bytes.readBigUInt64LE(0) : 0n;
  const fits = length > 1n && length <= 100_000_000n && length + 8n <= BigInt(size);
  if (!fits || bytes[8] !== 0x7b) throw refusal(`'${path}' is no safetensors file: it has no header`);
}

/** The files of weights that the graph names must be files of the package. Throws invalid_request. */
export function checkExternalData(graph: Buffer, { model, files }: ModelManifest): void {
  for (const location of findExternalData(graph)) {
    const given = JSON.stringify(location.slice(0, 100));
    const path = posix.join(posix.dirname(model), location);
    if (posix.isAbsolute(location) || /\\|^[A-Za-z]:/.test(location) || path.startsWith('..')) {
      throw refusal(`the graph reads external data from ${given}, outside of the package`);
    }
    if (!Object.hasOwn(files, path))
      throw refusal(`the graph needs the external data ${given}, which model.json does not list`);
  }
}
