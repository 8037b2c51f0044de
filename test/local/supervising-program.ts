import { supervise } from '../../local/supervisor.ts';

/** Supervises a program, and tells its own parent which process answers. */
const module = new URL('./supervised-program.ts', import.meta.url);
const supervisor = await supervise({ name: 'test', module, argument: null, environment: {}, silenceSeconds: 30 });
process.send?.(Number(await (await fetch(supervisor.url)).text()));
