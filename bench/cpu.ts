import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second in /proc. */
const ticksPerSecond = process.platform === 'linux' ? Number(execFileSync('getconf', ['CLK_TCK'])) : 1;

/** Milliseconds of CPU, user and system, that `root` and all its children have used; NaN where there is no /proc. */
export function cpuMilliseconds(root: number): number {
  if (process.platform !== 'linux') return Number.NaN;
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const parents = new Map<number, { parent: number; ticks: number }>();
  for (const id of processes) {
    const found = readStat(id);
    if (found) parents.set(Number(id), found);
  }
  const isBelow = (id: number): boolean => {
    for (let at: number | undefined = id; at !== undefined && at > 1; at = parents.get(at)?.parent) {
      if (at === root) return true;
    }
    return false;
  };
  const ticks = [...parents].reduce((sum, [id, one]) => sum + (isBelow(id) ? one.ticks : 0), 0);
  return (ticks / ticksPerSecond) * 1000;
}

/** Undefined: it ended meanwhile. Source: proc_pid_stat(5); fields 4 and 14 to 17, after the name in parentheses. */
function readStat(id: string): { parent: number; ticks: number } | undefined {
  try {
    const text = readFileSync(`/proc/${id}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // User and system time of its own, and of children that have ended.
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { parent: Number(fields[1]), ticks };
  } catch {
    return undefined;
  }
}
