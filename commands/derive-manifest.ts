import * as z from 'zod';
import { type ModelManifest, modelManifestSchema } from '../functions/registry/model-manifest.ts';
import { type TaskName, taskNames, textGeneration } from '../functions/tasks/task-names.ts';
import { readOnnxGraph } from './read-onnx-graph.ts';
import type { PackageFolder } from './read-package-folder.ts';

/** What the command line says; it goes before model.json, and that before what is derived. */
export interface PushOptions {
  readonly name?: string;
  readonly version?: string;
  readonly task?: string;
  readonly host?: string;
}

/** Rows that are joined into one run where the graph shows that dimension 0 is the batch. */
const batchRows = 32;

const configSchema = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  model_type: z.string().nullish(),
});

/** Ends of the class names that transformers gives to models, and the task of each. */
const architectures: readonly [RegExp, string][] = [
  [/ForImageClassification(WithTeacher)?$/, 'image-classification'],
  [/ForAudioClassification$/, 'audio-classification'],
  [/ForCTC$/, 'automatic-speech-recognition'],
  [/ForTokenClassification$/, 'token-classification'],
  [/ForQuestionAnswering$/, 'question-answering'],
  [/ForMaskedLM$/, 'fill-mask'],
  [/ForObjectDetection$/, 'object-detection'],
  [/ForSemanticSegmentation$/, 'image-segmentation'],
  [/ForDepthEstimation$/, 'depth-estimation'],
  [/ForSequenceClassification$/, 'text-classification'],
  [/ForVideoClassification$/, 'video-classification'],
  [/ForImageSuperResolution$/, 'image-to-image'],
  [/(?:ForCausalLM|ForConditionalGeneration|LMHeadModel)$/, textGeneration],
  [/^(?:Bert|Roberta|XLMRoberta|DistilBert|MPNet|Albert|Electra|DebertaV2|Nomic\w*)Model$/, 'feature-extraction'],
  [/^(?:ViT|Dinov2|ConvNext\w*|Swin\w*|ResNet|DeiT|Beit)Model$/, 'image-feature-extraction'],
];
const soundModels = /^(wav2vec2|hubert|wavlm|sew|unispeech|data2vec-audio|whisper)/;

/** `model.json` of a folder or of a bare ONNX file. Throws an Error that says what is missing or wrong. */
export async function deriveManifest(folder: PackageFolder, options: PushOptions): Promise<ModelManifest> {
  const given = folder.json('model.json') ?? {};
  const task = options.task ?? given.task ?? deriveTask(folder);
  // The LLM host loads weights; a graph beside them lets the CPU host stand in.
  const weights = task === textGeneration && (options.host ?? given.host) === 'sagemaker' && folder.hasWeights;
  const graph = weights && !folder.hasGraph ? undefined : folder.graph;
  const model = typeof given.model === 'string' ? given.model : graph;
  const derived = {
    name: toModelName(folder.name),
    version: '1',
    task,
    model,
    maxBatchSize: given.maxBatchSize ?? (model === undefined ? 0 : deriveBatchSize(folder, model)),
    ...readLicense(folder),
  };
  const files = given.files ?? (await folder.hashes(model, weights));
  const parsed = modelManifestSchema.safeParse({ ...definedOnly(derived), ...given, ...definedOnly(options), files });
  if (!parsed.success) throw new Error(`model.json is not valid:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** By config.json's `architectures`; undefined: /v2 only. */
function deriveTask(folder: PackageFolder): TaskName | typeof textGeneration | undefined {
  const config = configSchema.safeParse(folder.json('config.json') ?? {});
  if (!config.success) throw new Error(`config.json is not valid:\n${z.prettifyError(config.error)}`);
  const [architecture = ''] = config.data.architectures ?? [];
  let task = architectures.find(([pattern]) => pattern.test(architecture))?.[1];
  if (task === 'text-classification' && soundModels.test(config.data.model_type ?? '')) task = 'audio-classification';
  return taskNames.find((name) => name === task) ?? (task === textGeneration ? task : undefined);
}

/** Only where dimension 0 of every tensor varies under one name, and the name is not that of a length. */
function deriveBatchSize(folder: PackageFolder, model: string): number {
  const graph = readOnnxGraphOf(folder, model);
  const names = new Set([...graph.inputs, ...graph.outputs].map(({ shape }) => shape[0]));
  const [name] = names;
  const batched = names.size === 1 && typeof name === 'string' && name !== '' && !/seq|len|time|frame|step/i.test(name);
  return batched ? batchRows : 0;
}

function readOnnxGraphOf(folder: PackageFolder, model: string) {
  try {
    return readOnnxGraph(folder.bytes(model));
  } catch (error) {
    throw new Error(`${model}: ${(error as Error).message}`, { cause: error });
  }
}

/** The front matter of a Hugging Face model card. */
function readLicense(folder: PackageFolder): { license?: string } {
  const [, license] = /^---\n(?:.*\n)*?license:\s*(\S+)\s*\n(?:.*\n)*?---\n/.exec(folder.text('README.md') ?? '') ?? [];
  return license ? { license } : {};
}

/** `My Model` → `my-model`. */
function toModelName(text: string): string {
  const name = text.toLowerCase().replace(/[^a-z0-9._-]+/g, '-');
  return (
    name
      .replace(/^[^a-z0-9]+/, '')
      .slice(0, 63)
      .replace(/[^a-z0-9]+$/, '') || 'model'
  );
}

function definedOnly(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
