import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../functions/config.ts';
import { createServices } from '../../functions/create-services.ts';
import type { Services } from '../../functions/services.ts';

/** Services of a running platform, for this process, and the URL of its S3. */
export function connectServices(state: string): { services: Services; s3: string } {
  const environment = JSON.parse(readFileSync(join(state, 'environment.json'), 'utf8')) as Record<string, string>;
  Object.assign(process.env, environment);
  return { services: createServices(readConfig(process.env)), s3: environment.AWS_ENDPOINT_URL_S3 as string };
}

/** Keys of all objects of the artifacts bucket under `prefix`. */
export async function listKeys(s3: string, prefix: string): Promise<string[]> {
  const answer = await fetch(`${s3}/lambent-artifacts?list-type=2&prefix=${encodeURIComponent(prefix)}`);
  return [...(await answer.text()).matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key as string);
}
