import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { findExternalData } from '../functions/registry/package-source.ts';

/** Files that a package takes along: what preprocessing reads, golden inputs, and what tells where it comes from. */
const taken =
  /^(config\.json|preprocessor_config\.json|generation_config\.json|tokenizer.*\.json|special_tokens_map\.json|chat_template\.jinja|added_tokens\.json|word_index\.json|modules\.json|1_Pooling\/config\.json|sentence_bert_config\.json|config_sentence_transformers\.json|vocab\.(json|txt)|merges\.txt|labels\.txt|.*\.(model|vocab)|README\.md|LICEN[CS]E.*|NOTICE.*|SOURCE\.txt|golden\/.+)$/;

/** Weights of a language model and of its fine-tunings, which the LLM host loads. */
const weightFiles = /^(?:.*\.safetensors|.*\.safetensors\.index\.json|adapters\/[^/]+\/adapter_config\.json)$/;

/** A folder on this machine, or one ONNX file, that is to become a model package. */
export interface PackageFolder {
  readonly name: string;
  /** The graph: model.onnx, onnx/model.onnx, or the only ONNX file. Throws where it is in doubt. */
  readonly graph: string;
  readonly hasGraph: boolean;
  /** It has weights in safetensors. */
  readonly hasWeights: boolean;
  /** Files that are no part of the package, e.g. weights in other formats. */
  readonly leftOut: readonly string[];
  /** Where `path` of the package lies on this machine. */
  locate(path: string): string;
  bytes(path: string): Buffer;
  /** Undefined: there is no such file. */
  text(path: string): string | undefined;
  /** Undefined: there is no such file. Throws where it is no JSON object. */
  json(path: string): Record<string, unknown> | undefined;
  /** Digest and size of every file that belongs to the package around the graph `model`, with or without its weights. */
  hashes(model: string | undefined, weights: boolean): Promise<Record<string, { sha256: string; size: number }>>;
}

/** Throws an Error where `path` is neither a folder nor an ONNX file. */
export function readPackageFolder(path: string): PackageFolder {
  if (!existsSync(path)) throw new Error(`${path} does not exist`);
  const bare = statSync(path).isFile();
  if (bare && !path.endsWith('.onnx')) throw new Error(`${path} is no folder and no .onnx file`);
  const root = bare ? dirname(path) : path;
  const present = bare ? [basename(path)] : listFiles(root);
  const locate = (file: string) => join(root, file);
  const bytes = (file: string) => readFileSync(locate(file));
  const text = (file: string) => (present.includes(file) ? bytes(file).toString('utf8') : undefined);
  const externalData = (model: string) =>
    findExternalData(bytes(model))
      .map((file) => posix.join(posix.dirname(model), file))
      .filter((file) => existsSync(locate(file)));
  const belongs = present.filter((file) => taken.test(file));
  return {
    name: bare ? basename(path, '.onnx') : basename(resolve(path)),
    get graph() {
      return chooseGraph(present, path);
    },
    hasGraph: present.some((file) => file.endsWith('.onnx')),
    hasWeights: present.some((file) => file.endsWith('.safetensors')),
    leftOut: present.filter((file) => !taken.test(file) && !file.includes('.onnx') && file !== 'model.json'),
    locate,
    bytes,
    text,
    json(file) {
      const content = text(file);
      if (content === undefined) return undefined;
      try {
        return Object(JSON.parse(content)) as Record<string, unknown>;
      } catch (cause) {
        throw new Error(`${locate(file)} is no JSON: ${(cause as Error).message}`, { cause });
      }
    },
    async hashes(model, weights) {
      if (model !== undefined && !existsSync(locate(model)))
        throw new Error(`there is no file ${locate(model)}, the graph`);
      const graph = model === undefined ? [] : [model, ...externalData(model)];
      const loaded = weights ? present.filter((file) => weightFiles.test(file)) : [];
      const files = [...new Set([...belongs, ...graph, ...loaded])].sort();
      const hashed = await Promise.all(files.map(async (file) => [file, await hashFile(locate(file))] as const));
      // An empty file tells nothing, and registration takes it for an upload that broke off.
      return Object.fromEntries(hashed.filter(([file, { size }]) => size > 0 || file === model));
    },
  };
}

/** Paths of all files, with `/`, without hidden ones. Links are followed: Hugging Face's cache is made of them. */
function listFiles(root: string, below = ''): string[] {
  return readdirSync(join(root, below), { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.'))
    .flatMap((entry) => {
      const path = posix.join(below, entry.name);
      return statSync(join(root, path)).isDirectory() ? listFiles(root, path) : [path];
    })
    .sort();
}

function chooseGraph(files: readonly string[], folder: string): string {
  const graphs = files.filter((file) => file.endsWith('.onnx'));
  const named = ['model.onnx', 'onnx/model.onnx'].find((file) => graphs.includes(file));
  if (named) return named;
  if (graphs.length === 1) return graphs[0] as string;
  const others = files.some((file) => /\.(bin|safetensors|pt|pth|h5|keras|pb|tflite)$/.test(file));
  if (graphs.length === 0) {
    const advice = others
      ? ': export the weights first, e.g. `optimum-cli export onnx --model <folder> <folder>`, or host a language model in safetensors on the LLM host with --host sagemaker'
      : '';
    throw new Error(`${folder} has no ONNX file${advice}`);
  }
  throw new Error(
    `${folder} has several graphs (${graphs.join(', ')}): name one as "model" in model.json, or push it alone`,
  );
}

export async function hashFile(path: string): Promise<{ sha256: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  return { sha256: hash.digest('hex'), size };
}
