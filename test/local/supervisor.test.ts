import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { type Supervisor, supervise } from '../../local/supervisor.ts';

const started: Supervisor[] = [];
after(() => Promise.all(started.map((supervisor) => supervisor.close())));

async function start(argument: unknown, silenceSeconds = 30): Promise<Supervisor> {
  const module = new URL('./supervised-program.ts', import.meta.url);
  const supervisor = await supervise({ name: 'test', module, argument, environment: {}, silenceSeconds });
  started.push(supervisor);
  return supervisor;
}
const headers = { connection: 'close' };
const call = async (supervisor: Supervisor) => Number(await (await fetch(supervisor.url, { headers })).text());

test('connections that come while a process dies are answered by the next one', async () => {
  const supervisor = await start('serve');
  const first = await call(supervisor);
  process.kill(first, 'SIGSTOP');
  const answers = Promise.all([call(supervisor), call(supervisor), call(supervisor)]);
  process.kill(first, 'SIGKILL');
  const pids = new Set(await answers);
  assert.deepEqual(pids, new Set([supervisor.pid()]));
  assert.ok(!pids.has(first));
});

test('a process whose event loop stands still is killed and replaced', async () => {
  const supervisor = await start('serve', 2);
  const first = await call(supervisor);
  await assert.rejects(fetch(`${supervisor.url}/block`));
  assert.notEqual(await call(supervisor), first);
});

test('a process that cannot start fails its callers, who do not wait for ever', async () => {
  const supervisor = await start('fail');
  await assert.rejects(call(supervisor));
});

test('a connection that a process has not taken when all is closed is closed too', async () => {
  const supervisor = await start('serve');
  process.kill(await call(supervisor), 'SIGSTOP');
  const refused = assert.rejects(call(supervisor));
  // Until it is on its way to the process.
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  await supervisor.close();
  await refused;
});

test('a process whose supervisor is killed ends too', async () => {
  const parent = fork(new URL('./supervising-program.ts', import.meta.url), { execArgv: [] });
  const [pid] = (await once(parent, 'message')) as [number];
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  while (isAlive(pid)) await new Promise(setImmediate);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
