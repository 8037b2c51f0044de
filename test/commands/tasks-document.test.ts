import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { taskExamples } from '../../commands/task-examples.ts';
import { readParameters, renderTasks } from '../../commands/tasks-document.ts';
import { parseInput } from '../../functions/http/parse-input.ts';
import { tasks } from '../../functions/tasks/index.ts';
import type { TaskName } from '../../functions/tasks/task-names.ts';

test('docs/tasks.md says what the schemas say (npm run docs writes it)', () => {
  assert.equal(readFileSync(new URL('../../docs/tasks.md', import.meta.url), 'utf8'), renderTasks());
});

for (const name of Object.keys(tasks) as TaskName[]) {
  suite(name, () => {
    test('every parameter is described', () => {
      assert.deepEqual(
        readParameters(name).filter(({ description }) => !description),
        [],
      );
    });

    test('the example is one that the task takes', () => {
      const { body } = taskExamples[name];
      if (typeof body === 'object') parseInput(tasks[name].input, body);
      else assert.match(body, /^-H "content-type: [a-z-]+\/[a-z0-9-]+" --data-binary @/);
    });
  });
}
