import * as z from 'zod';
import { datatypeSizes, type TensorMetadata } from '../inference/protocol.ts';
import { modelNamePattern, modelVersionPattern } from '../storage/object-keys.ts';
import { taskNames, textGeneration } from '../tasks/task-names.ts';

/** A path inside the package: no absolute path, no `..`, no backslash, no empty segment, no hidden file. */
export const packagePathPattern = /^[A-Za-z0-9_@+-][A-Za-z0-9._@+ -]*(?:\/[A-Za-z0-9_@+-][A-Za-z0-9._@+ -]*)*$/;
const packagePath = z.string().max(512).regex(packagePathPattern, 'is not a plain relative path');

const fileEntry = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'is not 64 lower-case hex digits'),
  size: z.int().min(0),
});

/** The CPU host and the GPU host. */
export const modelHosts = ['lambda', 'sagemaker'] as const;
export type HostName = (typeof modelHosts)[number];

/** `model.json`, the file that turns a folder into a model package. It is uploaded last. */
export const modelManifestSchema = z.strictObject({
  name: z.string().regex(modelNamePattern),
  version: z.string().regex(modelVersionPattern),
  /** Absent: the model is served as tensors over /v2 only. */
  task: z.enum([...taskNames, textGeneration]).optional(),
  host: z.enum(modelHosts).default('lambda'),
  /** The CPU host may answer where the GPU host is cold, missing or failing. */
  standIn: z.boolean().optional(),
  /** The graph, one of `files`. */
  model: packagePath.default('model.onnx'),
  /** Requests up to this many rows are joined into one run along dimension 0; 0: never, dimension 0 is no batch. */
  maxBatchSize: z.int().min(0).max(1024).default(0),
  labels: z.array(z.string()).optional(),
  /** In the words of preprocessor_config.json (pictures) or tokenizer_config.json (text), where no such file says it. */
  preprocessing: z.record(z.string(), z.unknown()).optional(),
  /** Inputs with the outputs that training computed; registration recomputes them. */
  golden: z
    .array(z.strictObject({ input: z.unknown(), output: z.unknown(), tolerance: z.number().min(0).default(1e-4) }))
    .default([]),
  files: z.record(packagePath, fileEntry),
  license: z.string().optional(),
  source: z.string().optional(),
});

export type ModelManifest = z.infer<typeof modelManifestSchema>;

const tensorMetadata = z.object({
  name: z.string(),
  datatype: z.enum(Object.keys(datatypeSizes) as [keyof typeof datatypeSizes]),
  shape: z.array(z.int().min(-1)).readonly(),
}) satisfies z.ZodType<TensorMetadata>;

/** What a version needs to be served: its package's manifest and the tensors of its graph, in the graph's order. */
export const modelVersionSchema = z.object({
  manifest: modelManifestSchema,
  inputs: z.array(tensorMetadata),
  outputs: z.array(tensorMetadata),
});

export type ModelVersion = z.infer<typeof modelVersionSchema>;

/** How far one version has come on its way into the registry, as the table holds it. READY is for ever. */
export const registrationSchema = z.object({
  name: z.string(),
  version: z.string(),
  status: z.enum(['VALIDATING', 'READY', 'FAILED']),
  /** Why it is FAILED. */
  reason: z.string().optional(),
  /** When model.json arrived. */
  registeredAt: z.iso.datetime().optional(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().optional(),
  /** Present when READY. */
  model: modelVersionSchema.optional(),
  /** Why no archive was written for the GPU host; absent: one was. */
  withoutArchive: z.string().optional(),
});

export type Registration = z.infer<typeof registrationSchema>;

/** A version with the small files of its package that preprocessing reads, e.g. preprocessor_config.json. */
export interface Model extends ModelVersion {
  /** Parsed JSON files and texts of the package by path; the graph and its weights are not among them. */
  readonly assets: Readonly<Record<string, unknown>>;
}
