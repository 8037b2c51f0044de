import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fetchPackage } from '../../layers/build.ts';

/** transformers.js is not among the dependencies: its own fill 470 MB, and none that is missing here is used. */
const transformers = {
  name: '@huggingface/transformers',
  version: '4.3.1',
  integrity: 'sha512-5+voSeUCFK6PCKlY15dPhNOKq3/zOTxDN7oC+Wy9dFb1QZ0TSQomZRRy7URRK8YRuUoE9fGMQTTPC5d/pWBJhA==',
};

type Numbers = { readonly data: Float32Array; readonly dims: readonly number[] };

/** What is used of transformers.js. */
export interface TransformersJs {
  readonly env: { readonly version: string };
  readonly RawImage: { fromBlob(blob: Blob): Promise<unknown> };
  readonly ViTImageProcessor: new (config: object) => (image: unknown) => Promise<{ pixel_values: Numbers }>;
  readonly WhisperFeatureExtractor: new (
    config: object,
  ) => (samples: Float32Array) => Promise<{ input_features: Numbers }>;
}

/** Fetched by npm at the first time; undefined where there is no way to the registry. */
export async function loadTransformersJs(): Promise<TransformersJs | undefined> {
  let folder: string;
  try {
    folder = fetchPackage(transformers);
  } catch (error) {
    process.stderr.write(`(${(error as Error).message}) `);
    return undefined;
  }
  return (await import(pathToFileURL(join(folder, 'dist', 'transformers.node.mjs')).href)) as TransformersJs;
}
