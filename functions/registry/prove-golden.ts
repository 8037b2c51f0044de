import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { parseInferRequest } from '../inference/parse-infer.ts';
import { renderInferResponse } from '../inference/render-infer-response.ts';
import type { Services } from '../services.ts';
import { tasks } from '../tasks/index.ts';
import { type Infer, runTask } from '../tasks/task.ts';
import { textGeneration } from '../tasks/task-names.ts';
import { type Difference, largestDifference } from './compare-outputs.ts';
import { continueText, readPrompt } from './continue-text.ts';
import type { Model, ModelManifest } from './model-manifest.ts';
import { readPackageFile } from './package-source.ts';
import { refusal } from './parse-manifest.ts';

type GoldenCase = ModelManifest['golden'][number];
type Effects = Pick<Services, 'infer' | 'generate' | 'readArtifact'>;

const fileInput = z.looseObject({ file: z.string() });

/**
 * Runs every golden input the way a caller's goes, on the CPU host, and compares the answers with those that training
 * computed. Throws invalid_request with the largest difference and where it is.
 */
export async function proveGolden(model: Model, effects: Effects, deadline: number): Promise<void> {
  let worst: { index: number; tolerance: number; difference: Difference } | undefined;
  for (const [index, golden] of model.manifest.golden.entries()) {
    const computed = await answer(golden, model, effects, deadline).catch((error: unknown) => {
      if (error instanceof ServiceError && (!error.retryable || error.code === 'deadline_exceeded')) {
        throw refusal(`${describe(golden, index)} is not answered: ${error.message}`, error);
      }
      throw error;
    });
    const difference = largestDifference(golden.output, computed);
    const off = difference && !(difference.size <= golden.tolerance);
    if (off && !(worst && worst.difference.size >= difference.size)) {
      worst = { index, tolerance: golden.tolerance, difference };
    }
  }
  if (worst) throw refusal(render(model.manifest.golden[worst.index]!, worst));
}

function render(golden: GoldenCase, found: { index: number; tolerance: number; difference: Difference }): string {
  const { path, size, expected, computed } = found.difference;
  const by = Number.isFinite(size) ? `off by ${size} (tolerance ${found.tolerance})` : 'another';
  const values = `${shorten(expected)} was expected, ${shorten(computed)} is computed`;
  return `${describe(golden, found.index)} is ${by} at ${path || 'the top'}: ${values}`;
}

/** The answer to one golden input as callers get it, in JSON. */
async function answer({ input }: GoldenCase, model: Model, effects: Effects, deadline: number): Promise<unknown> {
  const infer: Infer = async (request) => (await effects.infer(model, request, deadline)).response;
  const { task: name } = model.manifest;
  if (!name) {
    const request = parseInferRequest(Buffer.from(JSON.stringify(input)), new Uint8Array(0));
    return JSON.parse(String(renderInferResponse(request, await infer(request)).body)) as unknown;
  }
  if (name === textGeneration) return await continueText(model, readPrompt(input), effects, deadline);
  const task = tasks[name];
  const parsed = task.input.safeParse(await readInput(input, model.manifest, effects));
  if (!parsed.success) throw refusal(`the input is not one of ${name}: ${z.prettifyError(parsed.error)}`);
  return JSON.parse(JSON.stringify(await runTask(task, parsed.data, model, infer))) as unknown;
}

/** Text, `{ file, parameters }` for a file of the package, or the JSON form of the task's input. */
async function readInput(input: unknown, manifest: ModelManifest, { readArtifact }: Effects): Promise<unknown> {
  if (typeof input === 'string') return { inputs: input };
  const given = fileInput.safeParse(input);
  if (!given.success) return input;
  const { file, ...rest } = given.data;
  if (!Object.hasOwn(manifest.files, file)) throw refusal(`model.json lists no file '${file}'`);
  return { ...rest, inputs: new Uint8Array(await readPackageFile(manifest, file, readArtifact)) };
}

function describe({ input }: GoldenCase, index: number): string {
  const { file } = Object(input) as { file?: unknown };
  return `golden case ${index} (${typeof file === 'string' ? file : shorten(input)})`;
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
