import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Model } from '../registry/model-manifest.ts';

const modes = ['cls', 'max', 'mean', 'mean_sqrt_len', 'weightedmean', 'lasttoken'] as const;
type Mode = (typeof modes)[number];

/** 1_Pooling/config.json of sentence-transformers: a switch for each mode; several are put one after the other. */
const poolingFile = z.looseObject({
  pooling_mode_cls_token: z.boolean().default(false),
  pooling_mode_max_tokens: z.boolean().default(false),
  pooling_mode_mean_tokens: z.boolean().default(false),
  pooling_mode_mean_sqrt_len_tokens: z.boolean().default(false),
  pooling_mode_weightedmean_tokens: z.boolean().default(false),
  pooling_mode_lasttoken: z.boolean().default(false),
});
const modulesFile = z.array(z.looseObject({ type: z.string() }));

/** What model.json's `preprocessing` may say; it goes before the files of sentence-transformers. */
const settingsSchema = z.looseObject({
  /** `none`: a vector for each token. */
  pooling: z.enum([...modes, 'none']).optional(),
  normalize: z.boolean().optional(),
});

export interface Pooling {
  /** None: a vector for each token. */
  readonly modes: readonly Mode[];
  /** Vectors get the length 1. */
  readonly normalize: boolean;
}

/** How a package makes one vector of a text: without a word on it by the mean, as sentence-transformers does. */
export function readPooling(model: Model): Pooling {
  const { assets, manifest } = model;
  const settings = parse(settingsSchema, manifest.preprocessing ?? {}, 'preprocessing', model);
  const modules = parse(modulesFile, assets['modules.json'] ?? [], 'modules.json', model);
  const dense = modules.find(({ type }) => type.endsWith('.Dense'));
  if (dense && settings.pooling === undefined) {
    const reason = 'has a Dense module after its pooling, which is not part of the graph: export it into the graph';
    throw new ServiceError('model_failed', `model ${manifest.name} ${reason}`);
  }
  const normalize = settings.normalize ?? modules.some(({ type }) => type.endsWith('.Normalize'));
  if (settings.pooling) return { modes: settings.pooling === 'none' ? [] : [settings.pooling], normalize };
  const file = assets['1_Pooling/config.json'];
  if (file === undefined) return { modes: ['mean'], normalize };
  const config = parse(poolingFile, file, '1_Pooling/config.json', model);
  const switches: Record<Mode, boolean> = {
    cls: config.pooling_mode_cls_token,
    max: config.pooling_mode_max_tokens,
    mean: config.pooling_mode_mean_tokens,
    mean_sqrt_len: config.pooling_mode_mean_sqrt_len_tokens,
    weightedmean: config.pooling_mode_weightedmean_tokens,
    lasttoken: config.pooling_mode_lasttoken,
  };
  return { modes: modes.filter((mode) => switches[mode]), normalize };
}

/** The vectors of a text's tokens, padding left out → one vector. */
export function pool(tokens: readonly (readonly number[])[], wanted: readonly Mode[]): number[] {
  return wanted.flatMap((mode) => poolers[mode](tokens));
}

export function toUnitLength(vector: readonly number[]): number[] {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  // PyTorch's normalize has the same floor.
  return vector.map((value) => value / Math.max(length, 1e-12));
}

type Vectors = readonly (readonly number[])[];

const poolers: Record<Mode, (tokens: Vectors) => readonly number[]> = {
  cls: (tokens) => tokens[0]!,
  max: (tokens) => tokens.reduce((most, token) => most.map((value, i) => Math.max(value, token[i]!))),
  mean: (tokens) => sum(tokens).map((value) => value / tokens.length),
  mean_sqrt_len: (tokens) => sum(tokens).map((value) => value / Math.sqrt(tokens.length)),
  // The later a token, the more it counts.
  weightedmean: (tokens) => {
    const weighted = sum(tokens.map((token, at) => token.map((value) => value * (at + 1))));
    return weighted.map((value) => value / ((tokens.length * (tokens.length + 1)) / 2));
  },
  lasttoken: (tokens) => tokens.at(-1)!,
};

function sum(tokens: Vectors): number[] {
  const total = tokens[0]!.map(() => 0);
  for (const token of tokens) {
    for (let i = 0; i < total.length; i++) total[i]! += token[i]!;
  }
  return total;
}

function parse<T>(schema: z.ZodType<T>, value: unknown, name: string, model: Model): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const reason = z.prettifyError(parsed.error).replaceAll('\n', ' ');
  throw new ServiceError(
    'model_failed',
    `model ${model.manifest.name} has a ${name} that cannot be followed: ${reason}`,
  );
}
