import * as z from 'zod';
import { tasks } from '../tasks/index.ts';
import type { TaskName } from '../tasks/task-names.ts';

const score = z.number();
const classes = z.array(z.object({ label: z.string(), score }));
const span = { start: z.int().min(0), end: z.int().min(0) };
const vectors = z.array(z.union([z.number(), z.array(z.unknown())]));
const box = z.object({ xmin: z.int(), ymin: z.int(), xmax: z.int(), ymax: z.int() });
const timed = classes.or(z.array(z.object({ timestamp: z.array(z.number()) })));
const words = z.array(z.object({ score, token: z.int(), token_str: z.string(), sequence: z.string() }));
const answer = z.object({ answer: z.string(), score, ...span });

/** What each task answers in JSON: Hugging Face's outputs. image-to-image answers a PNG. */
const outputs: Readonly<Record<Exclude<TaskName, 'image-to-image'>, z.ZodType>> = {
  'image-classification': classes,
  'object-detection': z.array(z.object({ label: z.string(), score, box })),
  'image-segmentation': z.array(z.object({ label: z.string(), score: score.optional(), mask: z.string() })),
  'image-feature-extraction': vectors,
  'video-classification': classes,
  'file-classification': classes,
  'text-classification': z.array(classes),
  'token-classification': z.array(z.object({ score, word: z.string(), ...span })),
  'feature-extraction': vectors,
  'fill-mask': z.union([words, z.array(words)]),
  'question-answering': z.union([answer, z.array(answer)]),
  'zero-shot-classification': classes,
  'sentence-similarity': z.array(z.number()),
  'audio-classification': timed,
  'automatic-speech-recognition': z.object({ text: z.string(), chunks: z.array(z.unknown()).optional() }),
  'tabular-classification': z.array(z.union([classes, z.number()])),
  'tabular-regression': z.array(z.number()),
};

/** The task of the model decides which of these it is. */
export const taskInputs = z.union(
  Object.entries(tasks).map(([name, { input }]) => input.meta({ id: `${name}.input` })),
);
export const taskOutputs = z.union(
  Object.entries(outputs).map(([name, output]) => output.meta({ id: `${name}.output` })),
);
