import * as z from 'zod';

const bound = z.number().min(0);

/** The least and the most of a measure that a record may have. */
const rangeSchema = z
  .strictObject({ min: bound.optional(), max: bound.optional() })
  .refine(({ min = 0, max = Number.POSITIVE_INFINITY }) => min <= max, 'min is above max');

/** Lengths, sizes and durations of a record, each where its kind has it. */
export const measureNames = ['characters', 'words', 'width', 'height', 'seconds', 'bytes'] as const;

const outlierSchema = z.discriminatedUnion('rule', [
  /** Tukey's fences: further than `factor` × (Q3 − Q1) below Q1 or above Q3. */
  z.strictObject({
    of: z.string().min(1),
    rule: z.literal('iqr'),
    factor: z.number().positive().max(100).default(1.5),
  }),
  /** Further than `factor` standard deviations from the mean. */
  z.strictObject({
    of: z.string().min(1),
    rule: z.literal('z-score'),
    factor: z.number().positive().max(100).default(3),
  }),
]);

export type OutlierRule = z.infer<typeof outlierSchema>;

/** What is dropped, and how texts are made alike. Files that cannot be decoded and empty records are always dropped. */
export const cleanSchema = z.strictObject({
  /** Of records with the same content only the first is kept; content is pixels, samples, the cleaned text, the row. */
  duplicates: z.boolean().default(true),
  /** Records with the same content and different labels are all dropped. */
  contradictions: z.boolean().default(true),
  /** Of pictures that look alike only the first is kept: at most `distance` of the 64 bits of their dHash differ. */
  nearDuplicates: z.strictObject({ distance: z.int().min(0).max(11).default(4) }).optional(),
  /** Records without a label are dropped where the data set has labels. */
  unlabelled: z.boolean().default(true),
  /** Rows in which a value is missing are dropped. */
  missing: z.boolean().default(false),
  /** What is shorter, smaller, longer or larger is dropped. */
  limits: z.partialRecord(z.enum(measureNames), rangeSchema).prefault({}),
  /** Unicode normal form of texts. */
  normalize: z.enum(['NFC', 'NFD', 'NFKC', 'NFKD']).optional(),
  /** `trim`: none at the ends; `collapse`: also one space for each run of white space. */
  whitespace: z.enum(['keep', 'trim', 'collapse']).default('keep'),
  /** Dropped by a rule over all records: `of` is a measure such as `characters`, or the name of a numeric column. */
  outliers: z.array(outlierSchema).max(16).default([]),
});

export type Clean = z.infer<typeof cleanSchema>;
