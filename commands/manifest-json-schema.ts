import * as z from 'zod';
import { modelManifestSchema } from '../functions/registry/model-manifest.ts';

/** Where model.json's JSON Schema is published; `npm run schema` writes it. */
export const schemaFile = new URL('../docs/model.schema.json', import.meta.url);

/** JSON Schema 2020-12 of model.json as it may be uploaded. */
export function manifestJsonSchema(): object {
  const schema = z.toJSONSchema(modelManifestSchema, { io: 'input' });
  const title = { title: 'model.json', description: 'The manifest of a Lambent model package; see model-package.md.' };
  return { ...title, ...schema };
}
