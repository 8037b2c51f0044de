import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { modelHosts } from './model-manifest.ts';

/** The alias of requests that name none. */
export const defaultAlias = 'production';

const targetForm = 'a version, or versions with a weight each ({"1": 95, "2": 5}), is needed';
const weightForm = 'a weight above 0, up to 1000000, is needed';

/** One version, or several with the weight of each. */
export const aliasTargetSchema = z.union(
  [
    z.string(targetForm),
    z
      .record(z.string(), z.number(weightForm).positive(weightForm).max(1e6, weightForm), targetForm)
      .refine((weights) => Object.keys(weights).length > 0, 'at least one version is needed'),
  ],
  targetForm,
);
export type AliasTarget = z.infer<typeof aliasTargetSchema>;

const aliasMoveSchema = z.object({
  alias: z.string(),
  at: z.iso.datetime(),
  /** Name of an API key or of a person at the command line. */
  by: z.string(),
  /** What made it allowed, where a condition was set. */
  reason: z.string().optional(),
  /** Absent: there was no such alias. */
  from: aliasTargetSchema.optional(),
  /** Absent: the alias was removed. */
  to: aliasTargetSchema.optional(),
});

/** A model: its READY versions and what points at them. One item of the table, so that each change is one write. */
export const modelEntrySchema = z.object({
  name: z.string(),
  /** Alias → version; of a split one the version with the most weight. */
  aliases: z.record(z.string(), z.string()).readonly(),
  /** Aliases that are split: the weight of each of their versions. */
  splits: z.record(z.string(), z.record(z.string(), z.number())).readonly().optional(),
  versions: z.array(z.string()).readonly(),
  /** Versions that were READY and are gone; their names are not used again. */
  deleted: z.array(z.string()).readonly().optional(),
  /** Where a version is served, if not where its model.json says. */
  hosts: z.record(z.string(), z.enum(modelHosts)).readonly().optional(),
  /** The latest moves of aliases, oldest first. */
  history: z.array(aliasMoveSchema).readonly().optional(),
  /** Not ready by a caller's wish, until it is loaded; it answers nevertheless. */
  unloaded: z.boolean().optional(),
  /** When the version was uploaded that `production` points at by itself; absent once somebody has moved it. */
  firstUploadedAt: z.string().optional(),
  /** Counts conditional writes. */
  revision: z.int(),
});

export type ModelEntry = z.infer<typeof modelEntrySchema>;

/** Who changes something, and when. */
export interface Change {
  readonly by: string;
  readonly at: string;
  /** What made it allowed, where a condition was set. */
  readonly reason?: string;
}

const historyLength = 100;
const aliasPattern = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/;

/**
 * `version` is READY. Until somebody moves it, `production` points at the version that was uploaded first, in whatever
 * order the versions become READY.
 */
export function withReadyVersion(entry: ModelEntry, version: string, uploadedAt: string): ModelEntry {
  if (entry.deleted?.includes(version)) return entry;
  const versions = [...new Set([...entry.versions, version])].sort();
  const { aliases, firstUploadedAt: first } = entry;
  const current = aliases[defaultAlias];
  const rank = (at: string, name: string) => `${at} ${name}`;
  const earlier =
    current === undefined
      ? !entry.history?.some(({ alias }) => alias === defaultAlias)
      : first !== undefined && rank(uploadedAt, version) < rank(first, current);
  if (!earlier) return { ...entry, versions };
  return { ...entry, versions, aliases: { ...aliases, [defaultAlias]: version }, firstUploadedAt: uploadedAt };
}

/** What `alias` points at; undefined: there is no such alias. */
export function targetOf(entry: ModelEntry, alias: string): AliasTarget | undefined {
  return lookUp(entry.splits, alias) ?? lookUp(entry.aliases, alias);
}

/** Names are the callers': `constructor` is none that a record has by itself. */
function lookUp<Value>(record: Readonly<Record<string, Value>> = {}, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/**
 * Points `alias` at `target`; undefined removes it. Throws invalid_request where a version is not READY, and
 * conflict where the alias does not point at what is `expected` (null: nothing).
 */
export function moveAlias(
  entry: ModelEntry,
  alias: string,
  target: AliasTarget | undefined,
  change: Change,
  expected?: AliasTarget | null,
): ModelEntry {
  if (!aliasPattern.test(alias)) {
    throw new ServiceError(
      'invalid_request',
      `'${alias}' is no alias: a-z, 0-9, '.', '_' and '-' are allowed, 63 at most`,
    );
  }
  const weights = typeof target === 'string' ? { [target]: 1 } : (target ?? {});
  for (const version of Object.keys(weights)) {
    if (entry.versions.includes(version)) continue;
    const ready = entry.versions.join(', ') || 'none';
    throw new ServiceError(
      'invalid_request',
      `model ${entry.name} has no READY version '${version}'; it has: ${ready}`,
    );
  }
  const { [alias]: _version, ...aliases } = entry.aliases;
  const { [alias]: _split, ...splits } = entry.splits ?? {};
  const [heaviest, ...others] = Object.entries(weights).sort(([, a], [, b]) => b - a);
  const from = targetOf(entry, alias);
  if (expected !== undefined && !isDeepStrictEqual(expected ?? undefined, from)) {
    const points = `points at ${JSON.stringify(from) ?? 'nothing'}, not at ${JSON.stringify(expected)}`;
    throw new ServiceError('conflict', `alias '${alias}' of model ${entry.name} ${points}`);
  }
  if (isDeepStrictEqual(from, target)) return entry;
  const move = { alias, ...change, ...(from !== undefined && { from }), ...(target !== undefined && { to: target }) };
  const { firstUploadedAt, ...rest } = entry;
  return {
    ...rest,
    ...(alias !== defaultAlias && firstUploadedAt !== undefined && { firstUploadedAt }),
    aliases: heaviest ? { ...aliases, [alias]: heaviest[0] } : aliases,
    splits: others.length > 0 ? { ...splits, [alias]: weights } : splits,
    history: [...(entry.history ?? []), move].slice(-historyLength),
  };
}

/** Undoes the latest move of `alias`. Throws conflict where there is none to undo. */
export function rollbackAlias(entry: ModelEntry, alias: string, change: Change): ModelEntry {
  const last = entry.history?.findLast((move) => move.alias === alias);
  if (!last) throw new ServiceError('conflict', `alias '${alias}' of model ${entry.name} was not moved yet`);
  if (last.from === undefined) {
    throw new ServiceError(
      'conflict',
      `alias '${alias}' of model ${entry.name} pointed at nothing before; delete it instead`,
    );
  }
  return moveAlias(entry, alias, last.from, change);
}

/** Throws conflict where an alias points at `version`, model_not_found where it is no READY version. */
export function deleteVersion(entry: ModelEntry, version: string): ModelEntry {
  if (!entry.versions.includes(version)) {
    throw new ServiceError('model_not_found', `model ${entry.name} has no READY version '${version}'`);
  }
  const pointing = Object.keys(entry.aliases).filter((alias) => {
    const target = targetOf(entry, alias) as AliasTarget;
    return typeof target === 'string' ? target === version : Object.hasOwn(target, version);
  });
  if (pointing.length > 0) {
    const names = pointing.map((alias) => `'${alias}'`).join(', ');
    throw new ServiceError(
      'conflict',
      `version ${version} of ${entry.name} is what ${names} points at: move that first`,
    );
  }
  return {
    ...entry,
    versions: entry.versions.filter((other) => other !== version),
    deleted: [...(entry.deleted ?? []), version],
  };
}

/**
 * The version that `alias` means for this caller; undefined: there is no such alias. One caller keeps to one version of a
 * split alias, and as the weight of a lighter version grows nobody leaves it.
 */
export function chooseVersion(entry: ModelEntry, alias: string, caller: string): string | undefined {
  const main = lookUp(entry.aliases, alias);
  const weights = lookUp(entry.splits, alias);
  if (!weights || main === undefined) return main;
  const digest = createHash('sha256').update(`${entry.name}\n${alias}\n${caller}`).digest();
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  let point = (digest.readUInt32BE(0) / 2 ** 32) * total;
  for (const [version, weight] of Object.entries(weights).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (version === main) continue;
    if (point < weight) return version;
    point -= weight;
  }
  return main;
}
