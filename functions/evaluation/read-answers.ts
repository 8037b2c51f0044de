import * as z from 'zod';
import { ServiceError } from '../errors.ts';

/** What tasks answer, and what labels say, as values that can be compared. Each throws invalid_request. */

const scoredLabels = z.array(z.object({ label: z.string(), score: z.number() }));
const oneRow = z.union([scoredLabels, z.tuple([scoredLabels]).transform(([row]) => row)]);

export type ScoredLabels = z.infer<typeof scoredLabels>;

/** Labels with scores, best first, of a classification; for one input. */
export function readScoredLabels(output: unknown): ScoredLabels {
  return read(oneRow, output, 'answer', '[{label, score}]');
}

/** A class: a text, or a number or truth value as it is written. */
export function readClass(label: unknown): string {
  if (typeof label === 'string') return label;
  if (typeof label === 'number' || typeof label === 'boolean') return String(label);
  return refuse(label, 'label', 'a text');
}

const texts = z.array(z.string());

export function readClasses(label: unknown): string[] {
  return read(texts, label, 'label', 'a list of texts');
}

const oneNumber = z.union([z.number(), z.tuple([z.number()]).transform(([value]) => value)]);

export function readNumber(value: unknown, what: 'label' | 'answer'): number {
  return read(oneNumber, value, what, 'a number');
}

const numbers = z.union([z.array(z.number()), z.number().transform((value) => [value])]);

export function readNumbers(value: unknown, what: 'label' | 'answer'): number[] {
  return read(numbers, value, what, 'numbers');
}

const transcript = z.object({ text: z.string() });

export function readTranscript(output: unknown): string {
  return read(transcript, output, 'answer', '{text}').text;
}

const box = z.object({ xmin: z.number(), ymin: z.number(), xmax: z.number(), ymax: z.number() });
const trueBoxes = z.array(
  z.object({
    label: z.string(),
    box,
    iscrowd: z.union([z.boolean(), z.number().transform(Boolean)]).default(false),
    area: z.number().min(0).optional(),
  }),
);
const detections = z.array(z.object({ label: z.string(), score: z.number(), box }));

export function readTrueBoxes(label: unknown) {
  const form = '[{label, box: {xmin, ymin, xmax, ymax}}]';
  return read(trueBoxes, label, 'label', form).map(({ iscrowd, ...rest }) => ({ ...rest, crowd: iscrowd }));
}

export function readDetections(output: unknown) {
  return read(detections, output, 'answer', '[{label, score, box}]');
}

const entity = z.object({
  label: z.string().optional(),
  entity_group: z.string().optional(),
  /** A tag of one token, where the job did not join them. */
  entity: z.string().optional(),
  index: z.int().min(0).optional(),
  start: z.int().min(0),
  end: z.int().min(0),
});
const entities = z.array(entity);

export type ReadEntity = z.infer<typeof entity>;

export function readEntities(value: unknown, what: 'label' | 'answer'): ReadEntity[] {
  return read(entities, value, what, '[{label, start, end}]');
}

const acceptedAnswers = z.union([z.string().transform((text) => [text]), texts]);
const answers = z.array(z.object({ answer: z.string() }));
const answer = z.union([answers, z.object({ answer: z.string() }).transform((one) => [one])]);

export function readAcceptedAnswers(label: unknown): string[] {
  return read(acceptedAnswers, label, 'label', 'a text or a list of texts');
}

/** The best answer; none: an empty text. */
export function readBestAnswer(output: unknown): string {
  return read(answer, output, 'answer', '[{answer}]')[0]?.answer ?? '';
}

const masks = z.array(z.object({ label: z.string(), mask: z.base64() }));

export function readMasks(value: unknown, what: 'label' | 'answer') {
  return read(masks, value, what, '[{label, mask}] with PNG files in base64');
}

const words = z.array(z.object({ token_str: z.string(), score: z.number() }));

export function readWords(output: unknown) {
  return read(words, output, 'answer', '[{token_str, score}]');
}

function read<T>(schema: z.ZodType<T>, value: unknown, what: string, form: string): T {
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : refuse(value, what, form);
}

function refuse(value: unknown, what: string, form: string): never {
  const given = JSON.stringify(value)?.slice(0, 60) ?? 'nothing';
  throw new ServiceError('invalid_request', `the ${what} is ${given}; ${form} is needed`);
}
