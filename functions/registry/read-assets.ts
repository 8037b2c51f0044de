import { ServiceError } from '../errors.ts';
import type { ModelManifest } from './model-manifest.ts';
import { readPackageFile } from './package-source.ts';

/** The files of a package that preprocessing may read; a package's weights are read by the model host alone. */
const assetNames = [
  'config.json',
  'generation_config.json',
  'chat_template.jinja',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'word_index.json',
  'modules.json',
  '1_Pooling/config.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
];

/** Reads the assets that `manifest` lists: JSON files parsed, others as text. */
export async function readAssets(
  manifest: ModelManifest,
  readArtifact: (key: string) => Promise<Buffer>,
): Promise<Record<string, unknown>> {
  const names = assetNames.filter((name) => name in manifest.files);
  const values = await Promise.all(
    names.map(async (name) => {
      const text = (await readPackageFile(manifest, name, readArtifact)).toString('utf8');
      return [name, name.endsWith('.json') ? parseJson(name, text) : text] as const;
    }),
  );
  return Object.fromEntries(values);
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new ServiceError('model_failed', `${name} is not valid JSON: ${(cause as Error).message}`, { cause });
  }
}
