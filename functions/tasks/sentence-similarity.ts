import * as z from 'zod';
import { embedTexts } from './embed-texts.ts';
import { failAnswer } from './numeric-output.ts';
import { toUnitLength } from './pooling.ts';
import type { WholeTask } from './task.ts';

const most = 512;
const form = `a list of 1 to ${most} texts is needed`;
const input = z.strictObject({
  inputs: z.strictObject({
    source_sentence: z.string('a text is needed'),
    sentences: z.array(z.string(form), form).min(1, form).max(most, form),
  }),
  parameters: z.strictObject({}).prefault({}),
});

/** A sentence and others → how near each is to it, from -1 to 1: the cosine of their embeddings. */
export const sentenceSimilarity: WholeTask<z.infer<typeof input>, number[]> = {
  name: 'sentence-similarity',
  rawBody: 'text',
  input,
  async run({ inputs }, model, infer) {
    const embeddings = await embedTexts([inputs.source_sentence, ...inputs.sentences], model, infer, {
      normalize: true,
    });
    const [source, ...others] = embeddings.map((embedding) => {
      if (typeof embedding[0] === 'number') return toUnitLength(embedding as number[]);
      return failAnswer(model, 'has a vector for each token; its package has to say a pooling other than none');
    });
    return others.map((other) => other.reduce((sum, value, i) => sum + value * source![i]!, 0));
  },
};
