import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../functions/config.ts';
import { createServices } from '../functions/create-services.ts';
import type { Services } from '../functions/services.ts';

/** Written by `npm start` into its state folder, and by `cdk deploy --outputs-file`. */
const stateFolder = process.env.LAMBENT_STATE || '.lambent';
const environmentFile = join(stateFolder, 'environment.json');
const outputsFile = 'lambent-outputs.json';

/**
 * Services of the platform that a command is for: the one on this machine, or with `aws` the one that was deployed.
 * `key` is an API key for a shell: this machine's key for development, or the variable that holds the owner's.
 */
export function connect({ aws }: { aws: boolean }): { services: Services; url: string; key: string } {
  const environment = aws ? readOutputs() : readEnvironment(environmentFile, 'npm start');
  Object.assign(process.env, environment);
  const key = aws ? '$LAMBENT_KEY' : readDevelopmentKey();
  return { services: createServices(readConfig(process.env)), url: environment.LAMBENT_URL ?? '', key };
}

function readDevelopmentKey(): string {
  try {
    return readFileSync(join(stateFolder, 'development-key'), 'utf8');
  } catch {
    return '$LAMBENT_KEY';
  }
}

function readEnvironment(file: string, command: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  } catch {
    throw new Error(`${file} cannot be read: run \`${command}\` first`);
  }
}

/** CloudFormation's outputs by stack: an output TableName is the functions' variable TABLE_NAME. */
export function readOutputs(file = outputsFile): Record<string, string> {
  const stacks: Record<string, Record<string, string>> = Object(readEnvironment(file, 'npm run deploy'));
  const outputs = Object.values(stacks).flatMap((stack) => Object.entries(stack));
  const variables = outputs.map(([name, value]) => [name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase(), value]);
  const { API_URL, ...environment } = Object.fromEntries(variables) as Record<string, string>;
  return { ...environment, LAMBENT_URL: (API_URL ?? '').replace(/\/$/, '') };
}
