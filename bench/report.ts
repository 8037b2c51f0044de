import { cpus, loadavg } from 'node:os';

export interface Goal {
  readonly goal: string;
  readonly measured: string;
  readonly met: boolean;
}

/** What one part of the bench found, in Markdown. */
export interface Section {
  readonly title: string;
  readonly goals: readonly Goal[];
  readonly text: string;
}

/** A goal for a number that must not be below (`least`) or above (`most`) a bound. */
export function goal(name: string, bound: { least: number } | { most: number }, value: number, unit = ''): Goal {
  const [sign, limit] = 'least' in bound ? ['≥', bound.least] : ['≤', bound.most];
  const met = 'least' in bound ? value >= limit : value <= limit;
  return { goal: `${name} ${sign} ${limit}${unit}`, measured: `${value.toFixed(2)}${unit}`, met };
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, index) => (index === 0 ? '---' : '--:'));
  return [head, rule, ...rows].map(line).join('\n');
}

export function machine(): string {
  const [first, ...others] = cpus();
  const load = loadavg()
    .map((value) => value.toFixed(2))
    .join(', ');
  return `${others.length + 1} cores of ${first?.model.trim()}, ${process.platform} ${process.arch}, Node ${process.version}; load average at the start ${load}`;
}

export function render(sections: readonly Section[], where: string, seconds: number): string {
  const goals = sections.flatMap((section) => section.goals);
  return `# Benchmarks

Written by \`npm run bench\` (${Math.round(seconds)} s). Ratios count, on one machine and in one run; the milliseconds are those of this machine:
${where}.

\`npm run bench\` measures again and rewrites this file. \`npm run bench -- codec --quick\` prints one section, measured briefly.

## Goals

${table(
  ['goal', 'measured', 'met'],
  goals.map((one) => [one.goal, one.measured, one.met ? 'yes' : '**no**']),
)}

${sections.map(({ title, text }) => `## ${title}\n\n${text}\n`).join('\n')}`;
}
