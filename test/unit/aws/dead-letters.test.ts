import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { readConfig } from '../../../functions/config.ts';
import { createServices } from '../../../functions/create-services.ts';
import { startDynamodb } from '../../../local/dynamodb.ts';
import { localEnvironment, resources } from '../../../local/environment.ts';
import { deadLettersOf, startSqs } from '../../../local/sqs/sqs.ts';
import { queueDefinitions, queueVariables } from '../../../local/triggers.ts';

const root = new URL('../../../', import.meta.url).pathname;
const name = 'predict-inbox';
let state: string;
let dynamodb: Awaited<ReturnType<typeof startDynamodb>>;
let sqs: Awaited<ReturnType<typeof startSqs>>;

before(async () => {
  state = await mkdtemp(join(tmpdir(), 'lambent-dead-letters-'));
  dynamodb = await startDynamodb({ path: join(state, 'dynamodb'), tableName: resources.TABLE_NAME });
  sqs = await startSqs({ directory: join(state, 'sqs'), queues: queueDefinitions });
  const environment = {
    ...localEnvironment({ SQS: sqs.url, DYNAMODB: dynamodb.url }),
    ...queueVariables(sqs),
  };
  Object.assign(process.env, environment);
  await writeFile(join(state, 'environment.json'), JSON.stringify(environment));
});
after(async () => {
  await sqs.close();
  await dynamodb.close();
  await rm(state, { recursive: true });
});

async function command(...args: string[]): Promise<string> {
  const env = { ...process.env, LAMBENT_STATE: state };
  return (await promisify(execFile)(process.execPath, ['commands/dead-letters.ts', ...args], { cwd: root, env }))
    .stdout;
}

test('dead letters are listed with their reasons, and go back to their queue', async () => {
  const services = createServices(readConfig(process.env));
  const deadLetters = sqs.queue(deadLettersOf(name));
  const known = sqs.queue(name).send('known');
  for (const message of [known, sqs.queue(name).send('ended without a word')]) {
    const [received] = sqs.queue(name).receive(1);
    sqs.queue(name).delete(received!.handle!);
    deadLetters.put({ ...message, deadLetterSource: sqs.queue(name).arn });
  }
  const letter = { functionName: name, messageId: known.id, body: 'known', givenUpAt: '2026-11-23T12:00:00.000Z' };
  await services.keepDeadLetter({ ...letter, reason: 'the first reason' }, { replace: false });
  await services.keepDeadLetter({ ...letter, reason: 'Error: no answer' }, { replace: true });
  await services.keepDeadLetter({ ...letter, reason: 'no reason where one is known' }, { replace: false });

  const listed = (await command('list')).replaceAll(/^[a-z-]+: 0\n/gm, '');
  assert.equal(
    listed,
    `predict-inbox: 2
  2026-11-23T12:00:00.000Z  ${known.id}  Error: no answer
    known
  1 without a reason: see the function's log
`,
  );
  assert.equal(await command('redrive', name), `2 messages go back to ${name}.\n`);
  assert.deepEqual(
    new Set(
      sqs
        .queue(name)
        .receive(10)
        .map(({ body }) => body),
    ),
    new Set(['known', 'ended without a word']),
  );
  const [, after] = await services.listDeadLetters();
  assert.deepEqual(after, { functionName: name, count: 0, letters: [] });
  await assert.rejects(
    services.redriveDeadLetters('api'),
    /'api' has no dead-letter queue; these have: register-model, pr/,
  );
});
