import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Model } from '../registry/model-manifest.ts';

const name = z.string().min(1);
/** The graph's input that takes the column; without it the one of the column's name, or the graph's only one. */
const graphInput = z.string().optional();
const category = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** A number: (value - mean) / std. */
const numericColumn = z.strictObject({
  name,
  kind: z.literal('numeric'),
  mean: z.number().default(0),
  std: z.number().positive().default(1),
  /** What stands for a missing value, before it is scaled; `nan`: the graph knows what to do. Without it: refused. */
  missing: z.union([z.number(), z.literal('nan')]).optional(),
  input: graphInput,
});

/** One of `categories`, as scikit-learn's encoders see it. */
const categoricalColumn = z.strictObject({
  name,
  kind: z.literal('categorical'),
  categories: z.array(category).min(1),
  /** `one_hot`: a 1 among as many numbers as there are categories; `ordinal`: its place among them. */
  encoding: z.enum(['one_hot', 'ordinal']).default('one_hot'),
  /** The category that stands for a missing value; without it a missing value is an unknown one. */
  missing: category.optional(),
  /** `ignore`: an unknown one is all zeros, or -1. */
  handle_unknown: z.enum(['error', 'ignore']).default('error'),
  input: graphInput,
});

/** Text that the graph itself knows how to read: a BYTES input. */
const textColumn = z.strictObject({
  name,
  kind: z.literal('text'),
  missing: z.string().optional(),
  input: graphInput,
});

/** `preprocessing` of a tabular model's model.json. */
const tableSchema = z.looseObject({
  /** In the order of the graph's features. */
  columns: z
    .array(z.discriminatedUnion('kind', [numericColumn, categoricalColumn, textColumn]))
    .min(1)
    .refine(
      (columns) => new Set(columns.map((column) => column.name)).size === columns.length,
      'a column is named twice',
    ),
  /** What makes scores of the outputs of a classifier. */
  function_to_apply: z.enum(['softmax', 'sigmoid', 'none']).optional(),
  /** What a regression's target was scaled by: the answer is output × std + mean. */
  target: z.strictObject({ mean: z.number().default(0), std: z.number().default(1) }).prefault({}),
});

export type Table = z.infer<typeof tableSchema>;
export type Column = Table['columns'][number];
export type NumericColumn = z.infer<typeof numericColumn>;
export type CategoricalColumn = z.infer<typeof categoricalColumn>;

const tables = new WeakMap<Model, Table>();

/** What a tabular model's package says of its columns. Throws model_failed. */
export function readTable(model: Model): Table {
  const known = tables.get(model);
  if (known) return known;
  const parsed = tableSchema.safeParse(model.manifest.preprocessing ?? {});
  if (!parsed.success) {
    const reason = z.prettifyError(parsed.error).replaceAll('\n', ' ');
    const message = `model ${model.manifest.name} has a preprocessing in its model.json that cannot be followed: ${reason}`;
    throw new ServiceError('model_failed', message);
  }
  tables.set(model, parsed.data);
  return parsed.data;
}
