import * as z from 'zod';
import { aliasTargetSchema, type Change, moveAlias, rollbackAlias, targetOf } from '../registry/model-entry.ts';
import { checkRequirement } from '../reports/promote-version.ts';
import type { ModelEntry, Services } from '../services.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { readJson } from './read-json.ts';

const maxBodyBytes = 65_536;
const errorFormat = 'hugging-face';

const moveSchema = z.strictObject({
  target: aliasTargetSchema.describe('One version, or versions with weights: { "1": 95, "2": 5 }.'),
  expected: aliasTargetSchema
    .nullable()
    .optional()
    .describe('What the alias must point at now; null: nothing. Absent: whatever it does.'),
  if: z
    .string('a condition such as f1_macro >= 0.9 is needed')
    .optional()
    .describe('What the latest report of the target must say: f1_macro >= 0.9 and log_loss < 0.3.'),
  dataset: z.string('a name is needed').optional().describe('Whose report it is; needed where there are several.'),
  split: z.string('a name is needed').optional().describe('Of the data set; absent: test.'),
});

/** Which version each alias of a model points at, who moved it when, and how to move it. */
export const modelAliasRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/models/{model}/aliases',
    summary: 'Which version each alias points at, and who moved it when',
    errorFormat,
    handle: listAliases,
  },
  {
    method: 'PUT',
    path: '/models/{model}/aliases/{alias}',
    summary: 'Points an alias at a version, or at several with weights',
    body: moveSchema,
    errorFormat,
    maxBodyBytes,
    handle: putAlias,
  },
  {
    method: 'DELETE',
    path: '/models/{model}/aliases/{alias}',
    summary: 'Removes an alias',
    errorFormat,
    handle: removeAlias,
  },
  {
    method: 'POST',
    path: '/models/{model}/aliases/{alias}/rollback',
    summary: 'Points an alias at what it pointed at before',
    errorFormat,
    maxBodyBytes,
    handle: rollback,
  },
];

async function listAliases({ parameters }: HttpRequest, services: Services): Promise<HttpResponse> {
  return { status: 200, body: renderAliases(await services.readModelEntry(parameters.model ?? '')) };
}

async function putAlias(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { target, expected, if: condition, dataset, split } = readJson(request, moveSchema);
  const { model = '' } = request.parameters;
  await services.readModelEntry(model);
  const reason =
    condition === undefined
      ? undefined
      : await checkRequirement(model, target, { if: condition, dataset, split }, services);
  const because = reason === undefined ? {} : { reason };
  return await change(request, services, (entry, alias, by) =>
    moveAlias(entry, alias, target, { ...by, ...because }, expected),
  );
}

async function removeAlias(request: HttpRequest, services: Services): Promise<HttpResponse> {
  return await change(request, services, (entry, alias, by) => moveAlias(entry, alias, undefined, by));
}

async function rollback(request: HttpRequest, services: Services): Promise<HttpResponse> {
  return await change(request, services, rollbackAlias);
}

async function change(
  { parameters, apiKey }: HttpRequest,
  services: Services,
  move: (entry: ModelEntry, alias: string, change: Change) => ModelEntry,
): Promise<HttpResponse> {
  const { model = '', alias = '' } = parameters;
  await services.readModelEntry(model);
  const by: Change = { by: apiKey?.name ?? 'anonymous', at: new Date().toISOString() };
  return {
    status: 200,
    body: renderAliases(await services.updateModelEntry(model, (entry) => move(entry, alias, by))),
  };
}

function renderAliases(entry: ModelEntry): object {
  const aliases = Object.keys(entry.aliases).map((alias) => [alias, targetOf(entry, alias)]);
  return { name: entry.name, aliases: Object.fromEntries(aliases), history: entry.history ?? [] };
}
