import * as z from 'zod';
import { datasetDefinitionSchema } from '../functions/datasets/dataset-definition.ts';
import { modelManifestSchema } from '../functions/registry/model-manifest.ts';
import { reportSchema } from '../functions/reports/report.ts';

interface PublishedSchema {
  /** Where it is published; `npm run schema` writes it. */
  readonly file: URL;
  /** JSON Schema 2020-12 of a file. */
  readonly schema: object;
}

function published(name: string, title: string, description: string, schema: z.ZodType): PublishedSchema {
  const file = new URL(`../docs/${name}`, import.meta.url);
  return { file, schema: { title, description, ...z.toJSONSchema(schema, { io: 'input' }) } };
}

/** The JSON Schemas of the files that people write, and of those that their programs read. */
export const jsonSchemas = {
  model: published(
    'model.schema.json',
    'model.json',
    'The manifest of a Lambent model package; see model-package.md.',
    modelManifestSchema,
  ),
  dataset: published(
    'dataset.schema.json',
    'dataset.json',
    'What is to be made of the uploads of a Lambent data set; see datasets.md.',
    datasetDefinitionSchema,
  ),
  report: published(
    'report.schema.json',
    'report.json',
    'What the answers of a Lambent job are worth; see evaluation.md.',
    reportSchema,
  ),
};
