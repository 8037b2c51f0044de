import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, suite, test } from 'node:test';
import { Ajv } from 'ajv';
import type { TaskName } from '../../functions/tasks/task-names.ts';
import { constantModel, pixelValues, startModels } from '../task-model.ts';

const data = new URL('../../../shared/data/', import.meta.url);
const skip = existsSync(new URL('hugging-face/', data)) ? false : '../shared/data/hugging-face is not there';
const models = startModels();
after(() => models.close());

const scores = { shape: [1, 2], values: [1, 2] };
const outputs: Partial<Record<TaskName, Parameters<typeof constantModel>[1]>> = {
  'image-classification': { logits: scores },
  'object-detection': {
    logits: { shape: [1, 1, 3], values: [9, 0, 0] },
    pred_boxes: { shape: [1, 1, 4], values: [0.5, 0.5, 1, 1] },
  },
  'image-segmentation': {
    logits: { shape: [1, 1, 3], values: [9, 0, 0] },
    pred_masks: { shape: [1, 1, 1, 1], values: [9] },
  },
};

suite("Hugging Face's schemas", { skip }, () => {
  for (const [task, answers] of Object.entries(outputs)) {
    test(`the answer of ${task} is what its output schema describes`, async () => {
      const { ask } = await models.open({
        task: task as TaskName,
        graph: constantModel([pixelValues(8)], answers),
        manifest: { labels: ['cat', 'dog'], preprocessing: { size: 8 } },
      });
      const picture = readFileSync(new URL('preprocessing/images/320x240.jpg', data));
      const request = {
        inputs: picture.toString('base64'),
        parameters: task === 'image-classification' ? {} : { threshold: 0.5 },
      };
      const ajv = new Ajv({ strict: false });
      // Ajv knows draft 7, of which draft 6 is a part.
      const read = (path: string) =>
        JSON.parse(
          readFileSync(new URL(`hugging-face/${path}`, data), 'utf8').replace('draft-06', 'draft-07'),
        ) as object;
      ajv.addSchema(read('common-definitions.json'));
      for (const [side, value] of [
        ['input', request],
        ['output', await ask(request)],
      ] as const) {
        assert.ok(ajv.validate(read(`${task}/spec/${side}.json`), value), ajv.errorsText());
      }
      assert.equal(((await ask(request)) as unknown[]).length, task === 'image-classification' ? 2 : 1);
    });
  }
});
