import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { changeHost } from '../functions/registry/change-host.ts';
import { listVersions } from '../functions/registry/list-versions.ts';
import {
  type AliasTarget,
  aliasTargetSchema,
  deleteVersion,
  moveAlias,
  rollbackAlias,
  targetOf,
} from '../functions/registry/model-entry.ts';
import { modelHosts, type Registration } from '../functions/registry/model-manifest.ts';
import { checkRequirement } from '../functions/reports/promote-version.ts';
import type { ModelEntry, Services } from '../functions/services.ts';
import { connect } from './connect.ts';

const usage = `npm run models -- list                             shows the models with their aliases
npm run models -- show <model>                     shows its versions, how far each has come, and the moves of aliases
npm run models -- alias <model> <alias> <version>  points an alias at a version, or splits it: 1=95,2=5
npm run models -- promote <model> <alias> <version> --if 'f1_macro >= 0.9' [--dataset <name>] [--split <split>]
                                                   the same, where a report of that version says so
npm run models -- rollback <model> <alias>         undoes the latest move of an alias
npm run models -- unalias <model> <alias>          removes an alias
npm run models -- host <model> <version> <host>    serves a version from lambda or sagemaker
npm run models -- delete <model> <version>         removes a version that no alias points at
With --aws: of the deployed platform, found by lambent-outputs.json; else of the one that npm start runs here.`;

try {
  await main();
} catch (error) {
  console.error(`models: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      if: { type: 'string' },
      dataset: { type: 'string' },
      split: { type: 'string' },
      aws: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, name = '', ...rest] = positionals;
  if (values.help || !command) return console.log(usage);
  const { services } = connect(values);
  const by = { by: userInfo().username, at: new Date().toISOString() };
  const change = async (apply: (entry: ModelEntry) => ModelEntry) => {
    await services.readModelEntry(name);
    showEntry(await services.updateModelEntry(name, apply));
  };
  const [first = '', second = ''] = rest;
  const line = `${command} ${rest.length}`;
  if (line === 'list 0') for (const entry of await services.listModelEntries()) showEntry(entry);
  else if (line === 'show 0') await show(name, services);
  else if (line === 'alias 2') await change((entry) => moveAlias(entry, first, parseTarget(second), by));
  else if (line === 'promote 2') {
    const reason = await checkPromotion(name, parseTarget(second), values, services);
    await change((entry) => moveAlias(entry, first, parseTarget(second), { ...by, reason }));
  } else if (line === 'rollback 1') await change((entry) => rollbackAlias(entry, first, by));
  else if (line === 'unalias 1') await change((entry) => moveAlias(entry, first, undefined, by));
  else if (line === 'delete 1') await change((entry) => deleteVersion(entry, first));
  else if (line === 'host 2') {
    const host = modelHosts.find((known) => known === second);
    if (!host) throw new Error(`'${second}' is no host: ${modelHosts.join(', ')} are`);
    await changeHost({ name, version: first, host }, services);
    console.log(`${name} ${first} is served from ${host}.`);
  } else throw new Error(`'${positionals.join(' ')}' is not a command. Usage:\n${usage}`);
}

/** Why the alias may be moved. */
async function checkPromotion(
  name: string,
  target: AliasTarget,
  { if: condition, dataset, split }: { readonly if?: string; readonly dataset?: string; readonly split?: string },
  services: Services,
): Promise<string> {
  if (condition === undefined) throw new Error("--if 'f1_macro >= 0.9' is needed: what a report of it must say");
  const reason = await checkRequirement(name, target, { if: condition, dataset, split }, services);
  console.log(reason);
  return reason;
}

/** `2`, or `1=95,2=5`. */
function parseTarget(text: string): AliasTarget {
  if (!text.includes('=')) return text;
  const weights = text.split(',').map((part) => part.split('=') as [string, string]);
  const target = Object.fromEntries(weights.map(([version, weight]) => [version, Number(weight)]));
  const parsed = aliasTargetSchema.safeParse(target);
  if (parsed.success) return parsed.data;
  throw new Error(`'${text}' is no split: versions with weights above 0 are needed, such as 1=95,2=5`);
}

async function show(name: string, services: Services): Promise<void> {
  const states = await listVersions(name, services);
  if (states.length === 0) throw new Error(`no version of '${name}' was uploaded`);
  for (const { version, status, registeredAt = '', ...rest } of states) {
    const { finishedAt = '', reason = '' } = rest as Partial<Registration>;
    console.log([version.padEnd(8), status.padEnd(10), registeredAt, finishedAt, reason].join('  ').trimEnd());
  }
  const entry = await services.readModelEntry(name).catch(() => undefined);
  if (!entry) return;
  showEntry(entry);
  for (const { at, by, alias, from, to, reason } of entry.history ?? []) {
    const because = reason === undefined ? '' : ` (${reason})`;
    console.log(`${at}  ${by} moved ${alias} from ${renderTarget(from)} to ${renderTarget(to)}${because}`);
  }
}

function showEntry(entry: ModelEntry): void {
  const aliases = Object.keys(entry.aliases).map((alias) => `${alias} → ${renderTarget(targetOf(entry, alias))}`);
  console.log(`${entry.name}  versions ${entry.versions.join(', ') || 'none'}  ${aliases.join('  ')}`);
}

function renderTarget(target: AliasTarget | undefined): string {
  if (typeof target !== 'object') return target ?? 'nothing';
  return Object.entries(target)
    .map(([version, weight]) => `${version}=${weight}`)
    .join(',');
}
