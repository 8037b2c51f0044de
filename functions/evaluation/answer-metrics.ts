/** The words of an answer as SQuAD compares them: lower case, without punctuation and articles. */
function normalizeAnswer(text: string): string[] {
  const plain = text.toLowerCase().replaceAll(/[!-/:-@[-`{-~]/g, '');
  return plain
    .replaceAll(/(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');
}

/** Against the accepted answer that fits best; none accepted: the question has no answer, and an empty one is right. */
export function compareAnswer(accepted: readonly string[], given: string): { exactMatch: number; f1: number } {
  const words = normalizeAnswer(given);
  const compared = (accepted.length > 0 ? accepted : ['']).map((answer) => {
    const wanted = normalizeAnswer(answer);
    return { exactMatch: Number(wanted.join(' ') === words.join(' ')), f1: tokenF1(wanted, words) };
  });
  return {
    exactMatch: Math.max(...compared.map(({ exactMatch }) => exactMatch)),
    f1: Math.max(...compared.map(({ f1 }) => f1)),
  };
}

/** Source: SQuAD 2.0, evaluate-v2.0.py, compute_f1. */
function tokenF1(wanted: readonly string[], given: readonly string[]): number {
  if (wanted.length === 0 || given.length === 0) return Number(wanted.length === given.length);
  const left = new Map<string, number>();
  for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of given) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    shared += 1;
    left.set(word, count - 1);
  }
  if (shared === 0) return 0;
  const [precision, recall] = [shared / given.length, shared / wanted.length];
  return (2 * precision * recall) / (precision + recall);
}
