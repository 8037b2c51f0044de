import { ServiceError } from '../errors.ts';
import type { AliasTarget } from '../registry/model-entry.ts';
import type { Services } from '../services.ts';
import { evaluationPrefix } from '../storage/object-keys.ts';
import { type Condition, parseCondition } from './condition.ts';
import { type Evaluated, evaluatedSchema } from './report.ts';

type OfDataset = Evaluated & Required<Pick<Evaluated, 'dataset'>>;

type Effects = Pick<Services, 'listData' | 'readData'>;

/** What must be true of a version before an alias may point at it. */
export interface Requirement {
  /** See parseCondition. */
  readonly if: string;
  /** Absent: the data set that all reports of the version are of. */
  readonly dataset?: string | undefined;
  /** Absent: `test`. */
  readonly split?: string | undefined;
}

/**
 * Why an alias of `model` may point at `target`: what the latest report of each of its versions on that data set says. Throws
 * conflict where one does not hold or there is no report, invalid_request where the condition makes no sense.
 */
export async function checkRequirement(
  model: string,
  target: AliasTarget,
  requirement: Requirement,
  effects: Effects,
): Promise<string> {
  const condition = parseCondition(requirement.if);
  const versions = typeof target === 'string' ? [target] : Object.keys(target);
  const reasons: string[] = [];
  for (const version of versions)
    reasons.push(await checkVersion(model, version, { ...requirement, condition }, effects));
  return reasons.join('; ');
}

async function checkVersion(
  model: string,
  version: string,
  { condition, ...requirement }: Requirement & { readonly condition: Condition },
  effects: Effects,
): Promise<string> {
  const report = await findReport(model, version, requirement, effects);
  const { holds, found } = condition(report.metrics);
  const says = `the report of job ${report.job} on ${nameOf(report)} says of version ${version}: ${found.join(', ')}`;
  if (holds) return `${requirement.if}: ${says}`;
  throw new ServiceError('conflict', `the alias was not moved: ${says}`);
}

/** The latest. Reports of files decide nothing, and are not told of: files are their keys'. */
async function findReport(
  model: string,
  version: string,
  { dataset, split = 'test' }: Requirement,
  { listData, readData }: Effects,
): Promise<OfDataset> {
  const all: OfDataset[] = [];
  for await (const { key } of listData(evaluationPrefix(model, version))) {
    const body = await readData(key);
    const report = body && evaluatedSchema.parse(JSON.parse(body.toString('utf8')));
    if (report?.dataset) all.push({ ...report, dataset: report.dataset });
  }
  const own = all.filter((report) => report.dataset.split === split);
  const datasets = [...new Set(own.map((report) => report.dataset.name))];
  const known = [...new Set(all.map(nameOf))].join(', ') || 'nothing';
  const has = `reports of version ${version} of ${model} are of: ${known}`;
  if (dataset === undefined && datasets.length > 1) {
    throw new ServiceError('conflict', `which data set shall decide? ${has}`);
  }
  const named = own.filter((report) => report.dataset.name === (dataset ?? datasets[0]));
  const [latest] = named.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  if (latest) return latest;
  const wanted = dataset === undefined ? `split '${split}'` : `${dataset}/${split}`;
  throw new ServiceError('conflict', `version ${version} of ${model} has no report on ${wanted}; ${has}`);
}

function nameOf({ dataset }: OfDataset): string {
  return `${dataset.name}/${dataset.split}`;
}
