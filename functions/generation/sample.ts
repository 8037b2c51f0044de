import { ServiceError } from '../errors.ts';

/** How the next token is chosen, in OpenAI's words. */
export interface Sampling {
  /** 0: always the likeliest. */
  readonly temperature: number;
  /** Only the likeliest tokens that together have this probability. */
  readonly topP: number;
  /** Only this many of the likeliest; 0: all. */
  readonly topK: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  /** Added to the logits of token ids. */
  readonly logitBias: Readonly<Record<string, number>>;
}

export interface SampledToken {
  readonly id: number;
  /** Natural logarithm of the probability that the model gave it, before penalties and temperature. */
  readonly logprob: number;
}

/**
 * Chooses the next token, of the allowed ones where they are given. `counts`: how often each has been generated. Throws
 * model_failed where a logit is no number.
 */
export function sampleToken(
  logits: ArrayLike<number>,
  counts: ReadonlyMap<number, number>,
  sampling: Sampling,
  random: () => number,
  allowed?: (id: number) => boolean,
): number {
  const adjusted = Float64Array.from(logits);
  if (allowed) {
    for (let id = 0; id < adjusted.length; id++) if (!allowed(id)) adjusted[id] = Number.NEGATIVE_INFINITY;
  }
  for (const [id, bias] of Object.entries(sampling.logitBias)) {
    if (Number(id) < adjusted.length) adjusted[Number(id)]! += bias;
  }
  for (const [id, count] of counts) {
    adjusted[id]! -= count * sampling.frequencyPenalty + sampling.presencePenalty;
  }
  const best = findLargest(adjusted);
  if (sampling.temperature === 0 || sampling.topK === 1) return best;
  const weights = adjusted.map((logit) => Math.exp((logit - adjusted[best]!) / sampling.temperature));
  return draw(weights, findCandidates(weights, sampling), random);
}

/** Log-probabilities of `id` and of the `top` likeliest tokens, likeliest first. */
export function readLogprobs(
  logits: ArrayLike<number>,
  id: number,
  top: number,
): { token: SampledToken; top: SampledToken[] } {
  const values = Float64Array.from(logits);
  const largest = values[findLargest(values)]!;
  const total = Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0)) + largest;
  const order = top > 0 ? [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b).slice(0, top) : [];
  const render = (token: number) => ({ id: token, logprob: values[token]! - total });
  return { token: render(id), top: order.map(render) };
}

function findLargest(values: Float64Array): number {
  let best = 0;
  for (let index = 0; index < values.length; index++) {
    if (Number.isNaN(values[index]))
      throw new ServiceError('model_failed', `the model's logit of token ${index} is NaN`);
    if (values[index]! > values[best]!) best = index;
  }
  return best;
}

/** Token ids to draw from; undefined: all. */
function findCandidates(weights: Float64Array, { topP, topK }: Sampling): number[] | undefined {
  if (topP >= 1 && (topK === 0 || topK >= weights.length)) return undefined;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  // Those below this share have less than 1 - topP together, so that the nucleus is among the others.
  const least = (Math.max(0, 1 - topP) * total) / weights.length;
  const likely = [...weights.keys()].filter((id) => weights[id]! >= least);
  const sorted = likely.sort((a, b) => weights[b]! - weights[a]! || a - b).slice(0, topK || undefined);
  let share = 0;
  const mass = sorted.reduce((sum, id) => sum + weights[id]!, 0);
  // As Hugging Face has it: top_p is a share of what top_k has left.
  const limit = topP * (topK > 0 ? mass : total);
  const nucleus = sorted.findIndex((id) => {
    share += weights[id]!;
    return share >= limit;
  });
  return nucleus < 0 ? sorted : sorted.slice(0, nucleus + 1);
}

function draw(weights: Float64Array, candidates: readonly number[] | undefined, random: () => number): number {
  const ids = candidates ?? [...weights.keys()];
  const total = ids.reduce((sum, id) => sum + weights[id]!, 0);
  let rest = random() * total;
  for (const id of ids) {
    rest -= weights[id]!;
    if (rest < 0) return id;
  }
  // Rounding may leave a little: the last one that has any probability.
  return ids.findLast((id) => weights[id]! > 0)!;
}
