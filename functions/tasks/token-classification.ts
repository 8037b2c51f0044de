import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Model } from '../registry/model-manifest.ts';
import { characterCounter } from './characters.ts';
import { dropOverlaps, type Entity, groupEntities, groupWords, type TokenScores } from './entities.ts';
import { labelReader } from './labels.ts';
import { softmax } from './softmax.ts';
import type { WholeTask } from './task.ts';
import { encodeTexts, readMaxLength, readTokenizer } from './text-input.ts';
import { inferTexts, perToken, type TextRow } from './text-rows.ts';

const form = 'a text is needed';
const strategies = "one of 'none', 'simple', 'first', 'average', 'max' is needed";
const parametersSchema = z.strictObject({
  ignore_labels: z.array(z.string(), 'a list of labels is needed').default(['O']).describe('Labels that are left out.'),
  stride: z
    .int('a whole number from 0 is needed')
    .min(0, 'a whole number from 0 is needed')
    .optional()
    .describe("Tokens that the windows of a text longer than the model's share; without it a quarter of a window."),
  aggregation_strategy: z
    .enum(['none', 'simple', 'first', 'average', 'max'], strategies)
    .default('simple')
    .describe('How tokens become entities; `none` answers tokens, and cuts a text that is too long.'),
});
const input = z.strictObject({ inputs: z.string(form), parameters: parametersSchema.prefault({}) });

type Parameters = z.infer<typeof parametersSchema>;

/**
 * A text → what its parts are: `[{ entity_group, score, word, start, end }]`, with places in characters. With the strategy
 * `none` for every token, with `entity` and `index` too. Source: transformers' TokenClassificationPipeline; here the
 * default is `simple`, as Hugging Face's servers have it.
 */
export const tokenClassification: WholeTask<z.infer<typeof input>, object[]> = {
  name: 'token-classification',
  rawBody: 'text',
  input,
  async run({ inputs, parameters }, model, infer) {
    const { aggregation_strategy: strategy } = parameters;
    if (strategy === 'none' && parameters.stride !== undefined) {
      throw new ServiceError(
        'invalid_request',
        "parameters.stride needs an aggregation_strategy other than 'none', which joins the windows",
      );
    }
    const stride = strategy === 'none' ? undefined : (parameters.stride ?? Math.floor((readMaxLength(model) ?? 0) / 4));
    const encoded = encodeTexts([inputs], model, { offsets: true, stride });
    const rows = await inferTexts(encoded, model, infer, [['logits']]);
    const labelOf = labelReader(model);
    const found = rows.flatMap((row) => {
      const tokens = readTokens(row, inputs, model);
      if (strategy === 'none')
        return keep(
          tokens.map((token) => toEntity(token, labelOf)),
          parameters,
        );
      const join = readTokenizer(model).joinTokens;
      const words =
        strategy === 'simple'
          ? tokens.map((token) => toEntity(token, labelOf))
          : groupWords(tokens, strategy, labelOf, join);
      return keep(groupEntities(words, join), parameters);
    });
    const count = characterCounter(inputs);
    const entities = rows.length > 1 ? dropOverlaps(found) : found;
    return entities.map((entity) => ({ ...entity, start: count(entity.start), end: count(entity.end) }));
  },
};

function keep(entities: readonly Entity[], { ignore_labels: ignored }: Parameters): Entity[] {
  return entities.filter(
    ({ entity, entity_group }) => !ignored.includes(entity ?? '') && !ignored.includes(entity_group),
  );
}

function readTokens({ row, outputs }: TextRow, text: string, model: Model): TokenScores[] {
  const { marksPieces, unknownId } = readTokenizer(model);
  const scores = perToken(outputs[0]!, row, model);
  return row.tokens.flatMap((token, index): TokenScores[] => {
    if (!token) return [];
    const { start, end } = token;
    const part = text.slice(start, end);
    const unknown = token.id === unknownId;
    const inside = marksPieces
      ? [...token.text].length !== [...part].length
      : start > 0 && !text.slice(start - 1, start + 1).includes(' ');
    const word = unknown ? part : token.text;
    return [{ scores: softmax(scores[index]!), word, start, end, index, inside: inside && !unknown }];
  });
}

/** Hugging Face's client insists on entity_group, which transformers does not give with `none`. */
function toEntity({ scores, index, word, start, end }: TokenScores, labelOf: (index: number) => string): Entity {
  const best = scores.reduce((most, score, at) => (score > scores[most]! ? at : most), 0);
  const entity = labelOf(best);
  return { entity, entity_group: entity, score: scores[best]!, index, word, start, end };
}
