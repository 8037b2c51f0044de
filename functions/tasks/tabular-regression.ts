import * as z from 'zod';
import { failAnswer } from './numeric-output.ts';
import { readTable } from './table-columns.ts';
import { tableInput, tableRequests } from './table-input.ts';
import { readTableOutput } from './table-output.ts';
import type { WholeTask } from './task.ts';

const input = z.strictObject({ inputs: tableInput, parameters: z.strictObject({}).prefault({}) });

/** Rows of a table → a number for each. */
export const tabularRegression: WholeTask<z.infer<typeof input>, number[]> = {
  name: 'tabular-regression',
  rawBody: 'text',
  input,
  async run({ inputs: { rows } }, model, infer) {
    const { mean, std } = readTable(model).target;
    const found: number[] = [];
    for (const request of tableRequests(rows, model)) {
      const count = request.inputs[0]?.shape[0] ?? 0;
      const output = readTableOutput(await infer(request), count, ['variable', 'predictions', 'logits'], model);
      for (const row of output.rows) {
        if (row.length !== 1) return failAnswer(model, `has ${row.length} numbers a row; one is needed`);
        found.push(row[0]! * std + mean);
      }
    }
    return found;
  },
};
