import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { taskNames } from '../tasks/task-names.ts';
import { augmentSchema } from './augment/augment-schema.ts';
import { checkDefinition } from './check-definition.ts';
import { cleanSchema } from './clean/clean-schema.ts';
import { filePatternForm, parseFilePattern } from './file-pattern.ts';
import { transformSchema } from './transform/transform-schema.ts';

const filePattern = z
  .string()
  .max(512)
  .refine((pattern) => parseFilePattern(pattern) !== undefined, filePatternForm);
const column = z.string().min(1).max(256);
const rawPath = z.string().min(1).max(512);

/** Where something stands that belongs to a record: its label, its group, its split. */
const placeSchema = z.discriminatedUnion('from', [
  /** The name of a folder above the file: 1 is the next one. */
  z.strictObject({ from: z.literal('folder'), level: z.int().min(1).max(10).default(1) }),
  /** `{label}`, `{group}` or `{split}` of `inputs.files`. */
  z.strictObject({ from: z.literal('path') }),
  /** A column of the record's row; a text of several labels is split at `separator`. */
  z.strictObject({ from: z.literal('column'), column, separator: z.string().min(1).max(8).optional() }),
  /** A file beside the record's: `a.jpg` has `a<ending>`, or `a.jpg<ending>`. Of JSON, `field` is a path such as `person.id`. */
  z.strictObject({
    from: z.literal('sidecar'),
    ending: z.string().regex(/^\.[A-Za-z0-9_.-]{1,16}$/, 'an ending such as ".json" is needed'),
    field: column.optional(),
    separator: z.string().min(1).max(8).optional(),
  }),
  /** A CSV or JSONL file of the data set that has a row for each file: its path (or name), and the value. */
  z.strictObject({
    from: z.literal('table'),
    file: rawPath,
    name: column.default('file'),
    column,
    separator: z.string().min(1).max(8).optional(),
  }),
  z.strictObject({ from: z.literal('none') }),
]);

export type Place = z.infer<typeof placeSchema>;

const inputsSchema = z.strictObject({
  /** Which files are records; default: every file that is nothing else. */
  files: z.union([filePattern, z.array(filePattern).min(1).max(20)]).optional(),
  /** The column of a row that is the text, or the file (bytes, or these in base64). */
  column: column.optional(),
  /** The columns that make up a row; default: all that are nothing else. */
  columns: z.array(column).min(1).max(2000).optional(),
});

const splitName = z.string().regex(/^[a-z][a-z0-9_-]{0,30}$/, 'is no name of a split: small letters, digits, - and _');

const splitSchema = z.strictObject({
  /** The share of each split; together 1. */
  fractions: z
    .record(splitName, z.number().min(0).max(1))
    .refine(
      (fractions) => Math.abs(Object.values(fractions).reduce((sum, share) => sum + share, 0) - 1) < 1e-6,
      'shares that add up to 1 are needed',
    )
    .default({ train: 0.8, validation: 0.1, test: 0.1 }),
  /** Each split has the same share of every class, as near as whole records allow. */
  stratify: z.boolean().default(true),
  /** Where a record says itself in which split it stands; those that do not say are split by fractions. */
  given: placeSchema.optional(),
});

/** `raw/<dataset>/dataset.json`: how a folder of uploads becomes a prepared data set. It is uploaded last. */
export const datasetDefinitionSchema = z
  .strictObject({
    $schema: z.string().optional(),
    task: z.enum(taskNames),
    description: z.string().max(2000).optional(),
    inputs: inputsSchema.prefault({}),
    /** Default: `{label}` of the pattern; the column `label` of rows; for classes of files, the folder. */
    label: placeSchema.optional(),
    /** Records of one group stand in one split: a speaker, a patient. Default: `{group}` of the pattern. */
    group: placeSchema.optional(),
    clean: cleanSchema.prefault({}),
    transform: transformSchema.prefault({}),
    augment: augmentSchema.optional(),
    split: splitSchema.prefault({}),
  })
  .superRefine(checkDefinition);

export type DatasetDefinition = z.infer<typeof datasetDefinitionSchema>;

/** Throws invalid_request that says what is wrong with dataset.json and where. */
export function parseDefinition(bytes: Uint8Array): DatasetDefinition {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ServiceError('invalid_request', `dataset.json is no JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = datasetDefinitionSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .slice(0, 10)
    .map(({ path, message }) => `${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`);
  throw new ServiceError('invalid_request', `dataset.json is wrong: ${problems.join('; ')}`);
}
