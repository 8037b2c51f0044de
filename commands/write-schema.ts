import { writeFileSync } from 'node:fs';
import { manifestJsonSchema, schemaFile } from './manifest-json-schema.ts';

writeFileSync(schemaFile, JSON.stringify(manifestJsonSchema()));
