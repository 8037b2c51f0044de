import { ServiceError } from '../errors.ts';
import type { Report } from './report.ts';

type Metrics = Report['metrics'];

/** Whether a condition holds, and what each of its comparisons has found. */
export interface Judgement {
  readonly holds: boolean;
  readonly found: readonly string[];
}

/** A condition over the metrics of a report. Throws invalid_request for a metric that the report has not. */
export type Condition = (metrics: Metrics) => Judgement;

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '=': (a, b) => a === b,
};

const form = "comparisons such as f1_macro >= 0.9, joined by 'and', 'or' and parentheses, are needed";
const maxLength = 1000;
const maxDepth = 20;
const tokenPattern =
  /\s*(?:([()])|(>=|<=|>|<|=)|(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)|([a-z][a-z0-9_]*(?:\.(?:low|high))?))/giy;

/**
 * `f1_macro >= 0.9 and (log_loss < 0.3 or accuracy.low > 0.95)`: a metric, or a bound of its interval, against a number.
 * `and` binds closer than `or`. Throws invalid_request.
 */
export function parseCondition(text: string): Condition {
  const tokens = readTokens(text);
  let at = 0;
  const take = (expected: string) => tokens[at]?.toLowerCase() === expected && ++at > 0;

  function parseAny(depth: number): Condition {
    const parts = [parseAll(depth)];
    while (take('or')) parts.push(parseAll(depth));
    return parts.length === 1 ? parts[0]! : join(parts, (all) => all.some(({ holds }) => holds));
  }

  function parseAll(depth: number): Condition {
    const parts = [parseOne(depth)];
    while (take('and')) parts.push(parseOne(depth));
    return parts.length === 1 ? parts[0]! : join(parts, (all) => all.every(({ holds }) => holds));
  }

  function parseOne(depth: number): Condition {
    if (take('(')) {
      if (depth === maxDepth) throw refuse(text, `it has more than ${maxDepth} parentheses within each other`);
      const inner = parseAny(depth + 1);
      if (!take(')')) throw refuse(text, "a ')' is missing");
      return inner;
    }
    const [name, operator, number] = tokens.slice(at, at + 3);
    at += 3;
    const compare = comparisons[operator ?? ''];
    if (!name || !/^[a-z]/i.test(name) || !compare || !/^-?\d/.test(number ?? '')) throw refuse(text, form);
    return compareMetric(name, { operator: operator!, compare, number: Number(number) });
  }

  const condition = parseAny(0);
  if (at < tokens.length) throw refuse(text, `what is '${tokens[at]}' for? ${form}`);
  return condition;
}

function readTokens(text: string): string[] {
  if (text.length > maxLength) throw refuse(text, `${maxLength} characters are allowed`);
  const tokens: string[] = [];
  tokenPattern.lastIndex = 0;
  const trimmed = text.trimEnd();
  for (let end = 0; end < trimmed.length; end = tokenPattern.lastIndex) {
    const match = tokenPattern.exec(trimmed);
    if (!match) throw refuse(text, form);
    tokens.push(match[0].trim());
  }
  return tokens;
}

function compareMetric(
  name: string,
  { operator, compare, number }: { operator: string; compare: (a: number, b: number) => boolean; number: number },
): Condition {
  const [metric, bound = 'value'] = name.split('.') as [string, ('low' | 'high')?];
  return (metrics) => {
    const estimate = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined;
    if (!estimate) {
      const known = Object.keys(metrics).join(', ') || 'none';
      throw new ServiceError('invalid_request', `the report has no metric '${metric}'; it has: ${known}`);
    }
    const value = estimate[bound];
    const holds = value !== null && compare(value, number);
    const is = value === null ? 'is not defined' : `is ${Number(value.toPrecision(6))}`;
    return { holds, found: [`${name} ${is}${holds ? '' : ` (${operator} ${number} is needed)`}`] };
  };
}

function join(parts: readonly Condition[], holds: (all: readonly Judgement[]) => boolean): Condition {
  return (metrics) => {
    const all = parts.map((part) => part(metrics));
    return { holds: holds(all), found: all.flatMap(({ found }) => found) };
  };
}

function refuse(text: string, reason: string): ServiceError {
  return new ServiceError('invalid_request', `'${text.slice(0, 100)}' is no condition: ${reason}`);
}
