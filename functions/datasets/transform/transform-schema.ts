import * as z from 'zod';

const side = z.int().min(1).max(8192);

const pictureSchema = z.strictObject({
  /** Default: PNG where the picture changes. */
  format: z.enum(['png', 'jpeg', 'webp']).optional(),
  /** Of JPEG and WebP. */
  quality: z.int().min(1).max(100).default(90),
  /** One alone keeps the proportions. */
  width: side.optional(),
  height: side.optional(),
  /** Where both sides are given: `fill` stretches, `cover` cuts the middle out, `contain` adds black borders. */
  fit: z.enum(['fill', 'cover', 'contain']).default('fill'),
  grey: z.boolean().default(false),
});

const soundSchema = z.strictObject({
  sampleRateHz: z.int().min(1000).max(192_000).optional(),
  channels: z.union([z.literal(1), z.literal(2)]).optional(),
});

const columnName = z.string().min(1).max(256);

const columnsSchema = z.strictObject({
  /** Old name → new name. */
  rename: z.record(columnName, columnName).default({}),
  /** By their new names. */
  drop: z.array(columnName).default([]),
  types: z.record(columnName, z.enum(['number', 'text', 'boolean'])).default({}),
});

const labelsSchema = z.strictObject({
  /** Old label → new label; null drops the record. */
  map: z.record(z.string(), z.string().nullable()),
  /** What becomes of labels that the map does not name. */
  others: z.enum(['keep', 'drop']).default('keep'),
});

export const transformSchema = z.strictObject({
  picture: pictureSchema.optional(),
  /** The result is WAV with 16 bits. */
  sound: soundSchema.optional(),
  columns: columnsSchema.optional(),
  labels: labelsSchema.optional(),
});

export type Transform = z.infer<typeof transformSchema>;
export type PictureTransform = z.infer<typeof pictureSchema>;
export type SoundTransform = z.infer<typeof soundSchema>;
export type ColumnsTransform = z.infer<typeof columnsSchema>;
export type LabelsTransform = z.infer<typeof labelsSchema>;
