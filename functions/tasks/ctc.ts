/** A token of a recogniser's answer: its id, and the frames of the model's output over which it was heard. */
export interface CtcToken {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

/** Frames × vocabulary, row-major. */
export interface Logits {
  readonly frames: number;
  readonly vocabulary: number;
  readonly data: ArrayLike<number>;
}

/** The best token of every frame; repetitions are one token, blanks none. */
export function decodeGreedy({ frames, vocabulary, data }: Logits, blank: number): CtcToken[] {
  const tokens: { id: number; start: number; end: number }[] = [];
  let before = -1;
  for (let frame = 0; frame < frames; frame++) {
    let best = 0;
    for (let id = 1; id < vocabulary; id++) {
      if (data[frame * vocabulary + id]! > data[frame * vocabulary + best]!) best = id;
    }
    if (best === before && best !== blank) tokens.at(-1)!.end = frame + 1;
    else if (best !== blank) tokens.push({ id: best, start: frame, end: frame + 1 });
    before = best;
  }
  return tokens;
}

/** The logarithm of a token's probability in the frame of its own in which it was heard best. */
export function logProbability({ id, start, end }: CtcToken, logits: Logits): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let frame = start; frame < end; frame++) best = Math.max(best, logSoftmax(logits, frame)[id]!);
  return best;
}

/** A beginning of the text, as a tree, with the logarithms of its probability when it ends in a blank and when not. */
interface Prefix {
  readonly parent?: Prefix;
  readonly id: number;
  readonly children: Map<number, Prefix>;
  blankLog: number;
  tokenLog: number;
}

/** Tokens less probable than this in a frame do not continue a prefix. */
const leastLog = Math.log(1e-5);

/**
 * The most probable text over all alignments that the beam keeps, without a language model: prefix beam search
 * (Graves and Jaitly 2014; Hannun et al. 2014). At least as probable as the greedy one when the beam is wide.
 */
export function decodeBeam(logits: Logits, blank: number, width: number): number[] {
  let beam: Prefix[] = [createPrefix(-1)];
  beam[0]!.blankLog = 0;
  for (let frame = 0; frame < logits.frames; frame++) {
    const logs = logSoftmax(logits, frame);
    const next = new Map<Prefix, { blankLog: number; tokenLog: number }>();
    const at = (prefix: Prefix) => {
      const known = next.get(prefix) ?? { blankLog: Number.NEGATIVE_INFINITY, tokenLog: Number.NEGATIVE_INFINITY };
      next.set(prefix, known);
      return known;
    };
    for (const prefix of beam) {
      const total = addLogs(prefix.blankLog, prefix.tokenLog);
      const same = at(prefix);
      same.blankLog = addLogs(same.blankLog, total + logs[blank]!);
      if (prefix.id >= 0) same.tokenLog = addLogs(same.tokenLog, prefix.tokenLog + logs[prefix.id]!);
      for (let id = 0; id < logs.length; id++) {
        if (id === blank || logs[id]! < leastLog) continue;
        const longer = at(childOf(prefix, id));
        // The same token twice needs a blank in between.
        longer.tokenLog = addLogs(longer.tokenLog, (id === prefix.id ? prefix.blankLog : total) + logs[id]!);
      }
    }
    for (const [prefix, scores] of next) Object.assign(prefix, scores);
    const ranked = [...next.keys()].sort((a, b) => scoreOf(b) - scoreOf(a));
    beam = ranked.slice(0, width);
    // What has left the beam and led nowhere must not fill the memory over a long sound.
    for (const { parent, id, children } of ranked.slice(width)) if (children.size === 0) parent?.children.delete(id);
  }
  return idsOf(beam[0]!);
}

function createPrefix(id: number, parent?: Prefix): Prefix {
  const never = Number.NEGATIVE_INFINITY;
  return { id, children: new Map(), blankLog: never, tokenLog: never, ...(parent ? { parent } : {}) };
}

function childOf(prefix: Prefix, id: number): Prefix {
  const known = prefix.children.get(id);
  if (known) return known;
  const child = createPrefix(id, prefix);
  prefix.children.set(id, child);
  return child;
}

function scoreOf(prefix: Prefix): number {
  return addLogs(prefix.blankLog, prefix.tokenLog);
}

function idsOf(prefix: Prefix): number[] {
  const ids: number[] = [];
  for (let at: Prefix | undefined = prefix; at?.parent; at = at.parent) ids.push(at.id);
  return ids.reverse();
}

function logSoftmax({ vocabulary, data }: Logits, frame: number): Float64Array {
  const row = Float64Array.from({ length: vocabulary }, (_, id) => data[frame * vocabulary + id]!);
  const largest = row.reduce((a, b) => Math.max(a, b));
  const sum = row.reduce((total, value) => total + Math.exp(value - largest), 0);
  return row.map((value) => value - largest - Math.log(sum));
}

/** log(e^a + e^b). */
function addLogs(a: number, b: number): number {
  if (a < b) return addLogs(b, a);
  return b === Number.NEGATIVE_INFINITY ? a : a + Math.log1p(Math.exp(b - a));
}
