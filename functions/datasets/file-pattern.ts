/** What a pattern found in a path: `{label}` → its text. */
export type Captures = Readonly<Record<string, string>>;

type Part = string | { readonly capture?: string };

/** A segment of a pattern: literal texts and wildcards by turns; `undefined` is `**`, any number of folders. */
type Segment = readonly Part[] | undefined;

export const filePatternForm =
  'a file pattern is needed, e.g. "images/{label}/*.png": `*` and `{name}` stand for a part of a name, `**` for any folders';

/**
 * A matcher of paths by a pattern; undefined where the pattern is none. `*` and `{name}` match one or more characters of one
 * segment, as few as they can, but for the last of a segment; `**` matches any number of folders. Its time is bounded by the
 * product of the two lengths, whatever they are.
 */
export function parseFilePattern(pattern: string): ((path: string) => Captures | undefined) | undefined {
  const segments: Segment[] = [];
  for (const text of pattern.split('/')) {
    if (text === '') return undefined;
    const parts = text === '**' ? undefined : splitSegment(text);
    if (text !== '**' && !parts) return undefined;
    segments.push(parts);
  }
  return (path) => matchSegments(segments, path.split('/'));
}

/** The names that a pattern captures. */
export function capturesOf(pattern: string): string[] {
  return [...pattern.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name!);
}

function splitSegment(text: string): Part[] | undefined {
  const parts: Part[] = text
    .split(/(\*|\{[a-z]+\})/)
    .filter((part) => part !== '')
    .map((part) => {
      if (part === '*') return {};
      return /^\{[a-z]+\}$/.test(part) ? { capture: part.slice(1, -1) } : part;
    });
  // Two wildcards beside each other would share what they match by chance.
  const touching = parts.some((part, at) => typeof part !== 'string' && at > 0 && typeof parts[at - 1] !== 'string');
  return touching || /[{}]|\*\*/.test(parts.filter((part) => typeof part === 'string').join('')) ? undefined : parts;
}

function matchSegments(segments: readonly Segment[], names: readonly string[]): Captures | undefined {
  const failed = new Set<number>();
  const match = (segment: number, name: number): Captures | undefined => {
    if (segment === segments.length) return name === names.length ? {} : undefined;
    const place = segment * (names.length + 1) + name;
    if (failed.has(place)) return undefined;
    const found = matchFrom(segment, name);
    if (!found) failed.add(place);
    return found;
  };
  const matchFrom = (segment: number, name: number): Captures | undefined => {
    const parts = segments[segment];
    if (!parts) return match(segment + 1, name) ?? (name < names.length ? match(segment, name + 1) : undefined);
    const own = name < names.length ? matchName(parts, names[name]!) : undefined;
    const rest = own && match(segment + 1, name + 1);
    return rest && { ...own, ...rest };
  };
  return match(0, 0);
}

/** Each literal at its first possible place, the last one at the end: if anything matches, this does. */
function matchName(parts: readonly Part[], name: string): Captures | undefined {
  const found: Record<string, string> = {};
  let at = 0;
  for (const [index, part] of parts.entries()) {
    if (typeof part === 'string') {
      if (!name.startsWith(part, at)) return undefined;
      at += part.length;
      continue;
    }
    const next = parts[index + 1] as string | undefined;
    const isLast = index + 2 >= parts.length;
    const end = next === undefined ? name.length : isLast ? name.length - next.length : name.indexOf(next, at + 1);
    if (end <= at) return undefined;
    if (part.capture !== undefined) found[part.capture] = name.slice(at, end);
    at = end;
  }
  return at === name.length ? found : undefined;
}
