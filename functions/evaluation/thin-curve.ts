import type { Curve } from './ranking-metrics.ts';

const mostPoints = 200;

/** A curve of at most 200 points of those given, spread along its length; undefined where it is not defined. */
export function thinCurve({ x, y }: Curve): Curve | undefined {
  if (x.length === 0 || x.some(Number.isNaN) || y.some(Number.isNaN)) return undefined;
  const lengths = [0];
  for (let i = 1; i < x.length; i++)
    lengths.push(lengths[i - 1]! + Math.abs(x[i]! - x[i - 1]!) + Math.abs(y[i]! - y[i - 1]!));
  const step = lengths.at(-1)! / (mostPoints - 2);
  const kept: number[] = [];
  let next = 0;
  for (let i = 0; i < x.length; i++) {
    if (lengths[i]! < next && i + 1 < x.length) continue;
    kept.push(i);
    next = lengths[i]! + step;
  }
  return { x: kept.map((i) => x[i]!), y: kept.map((i) => y[i]!) };
}
