/** The place where a computed value is farthest from the expected one. */
export interface Difference {
  /** E.g. `[0].score`. */
  readonly path: string;
  /** Infinity where the values are no two numbers, or the structure differs. */
  readonly size: number;
  readonly expected: unknown;
  readonly computed: unknown;
}

/**
 * The largest difference between two values of JSON; undefined: they are equal. Numbers differ by their distance, all else
 * by being another. Members that only `computed` has are passed over.
 */
export function largestDifference(expected: unknown, computed: unknown, path = ''): Difference | undefined {
  const other = (): Difference => ({ path, size: Number.POSITIVE_INFINITY, expected, computed });
  if (typeof expected === 'number') {
    const size = typeof computed === 'number' ? Math.abs(expected - computed) : Number.NaN;
    if (size === 0) return undefined;
    return Number.isNaN(size) ? other() : { path, size, expected, computed };
  }
  if (typeof expected !== 'object' || expected === null) return expected === computed ? undefined : other();
  if (typeof computed !== 'object' || computed === null) return other();
  if (Array.isArray(expected)) {
    if (!Array.isArray(computed) || computed.length !== expected.length) return other();
    return largest(expected.map((value, index) => largestDifference(value, computed[index], `${path}[${index}]`)));
  }
  const members = computed as Record<string, unknown>;
  return largest(
    Object.entries(expected).map(([key, value]) =>
      largestDifference(value, Object.hasOwn(members, key) ? members[key] : undefined, path ? `${path}.${key}` : key),
    ),
  );
}

function largest(differences: readonly (Difference | undefined)[]): Difference | undefined {
  return differences.reduce((a, b) => (b && !(a && a.size >= b.size) ? b : a), undefined);
}
