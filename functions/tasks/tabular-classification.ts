import * as z from 'zod';
import type { Model } from '../registry/model-manifest.ts';
import type { ClassificationScore } from './classification.ts';
import { labelReader, readLabelNames } from './labels.ts';
import { failAnswer } from './numeric-output.ts';
import { softmax } from './softmax.ts';
import { readTable } from './table-columns.ts';
import { tableInput, tableRequests } from './table-input.ts';
import { readTableOutput, type TableOutput } from './table-output.ts';
import type { WholeTask } from './task.ts';

const parametersSchema = z.strictObject({
  top_k: z
    .int('a whole number from 1 is needed')
    .min(1, 'a whole number from 1 is needed')
    .default(5)
    .describe('How many labels are answered for a row, best first.'),
});
const input = z.strictObject({ inputs: tableInput, parameters: parametersSchema.prefault({}) });

/**
 * Rows of a table → for each, labels with scores, best first: `[[{ label, score }]]`. Columns `{ data }`, as Hugging Face's
 * client sends them, are answered with the best class of each row as a number, as that client wants it.
 */
export const tabularClassification: WholeTask<z.infer<typeof input>, ClassificationScore[][] | number[]> = {
  name: 'tabular-classification',
  rawBody: 'text',
  input,
  async run({ inputs: { rows, asColumns }, parameters }, model, infer) {
    const scores: number[][] = [];
    for (const request of tableRequests(rows, model)) {
      const count = request.inputs[0]?.shape[0] ?? 0;
      const names = ['logits', 'probabilities', 'output_probability'];
      scores.push(...toScores(readTableOutput(await infer(request), count, names, model), model));
    }
    const labelOf = labelReader(model);
    const answers = scores.map((row) => {
      const scored = row.map((score, index) => ({ label: labelOf(index), score, index }));
      return scored.sort((a, b) => b.score - a.score);
    });
    if (asColumns) return answers.map(([best]) => toNumber(best!.label, best!.index));
    return answers.map((row) => row.slice(0, parameters.top_k).map(({ label, score }) => ({ label, score })));
  },
};

function toScores({ name, rows }: TableOutput, model: Model): number[][] {
  const apply = readTable(model).function_to_apply ?? (name.includes('probabilit') ? 'none' : undefined);
  const labels = readLabelNames(model);
  return rows.map((row) => {
    // One number for two classes says how sure the second one is.
    const single = row.length === 1 && (labels === undefined || labels.length === 2);
    if (labels && labels.length !== row.length && !single) {
      return failAnswer(model, `has ${row.length} scores for ${labels.length} labels`);
    }
    const values = apply === 'none' ? [...row] : apply === 'sigmoid' || single ? row.map(sigmoid) : softmax(row);
    return single ? [1 - values[0]!, values[0]!] : values;
  });
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** Labels that are numbers are these; others are counted from 0. */
function toNumber(label: string, index: number): number {
  return label.trim() !== '' && Number.isFinite(Number(label)) ? Number(label) : index;
}
