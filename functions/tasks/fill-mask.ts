import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { EncodedText, Tokenizer } from '../media/tokenizer.ts';
import type { Model } from '../registry/model-manifest.ts';
import { softmax } from './softmax.ts';
import type { WholeTask } from './task.ts';
import { encodeTexts, readTokenizer } from './text-input.ts';
import { inferTexts, perToken } from './text-rows.ts';

const input = z.strictObject({
  inputs: z.string('a text with the mask token is needed'),
  parameters: z
    .strictObject({
      top_k: z
        .int('a whole number from 1 is needed')
        .min(1, 'a whole number from 1 is needed')
        .default(5)
        .describe('How many words are proposed for a mask, the likeliest first.'),
      targets: z
        .array(z.string(), 'a list of words is needed')
        .min(1, 'a list of words is needed')
        .optional()
        .describe('The words to choose from; of one that is not in the vocabulary its first token.'),
    })
    .prefault({}),
});

/** Spelt as Hugging Face's clients read it. */
interface Proposal {
  readonly score: number;
  readonly token: number;
  readonly token_str: string;
  /** The text with the word put in. */
  readonly sequence: string;
}

/**
 * A text with the model's mask token → words for it, best first: `[{ score, token, token_str, sequence }]`; of several
 * masks a list for each. Source: transformers' FillMaskPipeline.
 */
export const fillMask: WholeTask<z.infer<typeof input>, Proposal[] | Proposal[][]> = {
  name: 'fill-mask',
  rawBody: 'text',
  input,
  async run({ inputs, parameters }, model, infer) {
    const tokenizer = readTokenizer(model);
    const { maskToken: mask } = tokenizer;
    if (!mask)
      throw new ServiceError('model_failed', `the tokenizer of model ${model.manifest.name} has no mask token`);
    if (!inputs.includes(mask.content)) {
      throw new ServiceError('invalid_request', `inputs has no mask: write ${mask.content} where a word is wanted`);
    }
    const encoded = encodeTexts([inputs], model, { mask });
    const [found] = await inferTexts(encoded, model, infer, [['logits']]);
    const { row, outputs } = found!;
    const places = row.ids.flatMap((id, at) => (id === mask.id ? [at] : []));
    if (places.length === 0) {
      const limit = `${row.ids.length} tokens that the model reads`;
      throw new ServiceError('invalid_request', `the mask of inputs lies behind the ${limit}: shorten the text`);
    }
    const scores = perToken(outputs[0]!, row, model);
    const targets = parameters.targets && readTargets(parameters.targets, model, tokenizer);
    const proposals = places.map((place) => {
      const shares = softmax(scores[place]!);
      const ids = targets ?? shares.map((_, id) => id);
      const best = ids.filter((id) => id < shares.length).sort((a, b) => shares[b]! - shares[a]!);
      return best.slice(0, parameters.top_k).map((id): Proposal => {
        const token_str = tokenizer.decode([id], { specials: true });
        const sequence = decodeWith(id, place, row, tokenizer, places.length > 1);
        return { score: shares[id]!, token: id, token_str, sequence };
      });
    });
    return proposals.length === 1 ? proposals[0]! : proposals;
  },
};

/** Where other masks remain, special tokens are shown. */
function decodeWith(id: number, place: number, { ids, mask }: EncodedText, tokenizer: Tokenizer, specials: boolean) {
  const filled = ids.map((one, at) => (at === place ? id : one)).filter((_, at) => mask[at] === 1);
  return tokenizer.decode(filled, { specials });
}

function readTargets(targets: readonly string[], model: Model, tokenizer: Tokenizer): number[] {
  const ids = targets.flatMap((target) => {
    const known = tokenizer.tokenToId(target);
    if (known !== undefined) return [known];
    const [row] = target === '' ? [] : encodeTexts([target], model).rows;
    const first = row?.tokens.find((token) => token !== undefined)?.id;
    return first === undefined ? [] : [first];
  });
  if (ids.length > 0) return [...new Set(ids)];
  throw new ServiceError('invalid_request', 'parameters.targets has no word that the tokenizer can read');
}
