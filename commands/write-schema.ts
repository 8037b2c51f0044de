import { writeFileSync } from 'node:fs';
import { jsonSchemas } from './json-schemas.ts';

for (const { file, schema } of Object.values(jsonSchemas)) writeFileSync(file, JSON.stringify(schema));
