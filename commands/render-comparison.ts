import { lessIsBetter } from '../functions/evaluation/evaluator.ts';
import type { Comparison, Difference, Flip } from '../functions/reports/comparison.ts';

const mostFlips = 10;
const mostClasses = 20;

/** A comparison of two jobs as lines for a terminal. What people gave is shown without control characters. */
export function renderComparison(comparison: Comparison): string[] {
  const { a, b, records, metrics, mcnemar, resamples } = comparison;
  const side = ({ job, model, modelVersion }: Comparison['a']) => `${job} (${model} ${modelVersion})`;
  const apart = records.onlyInA + records.onlyInB;
  return [
    `${side(a)}  →  ${side(b)}`,
    `${records.compared} records${apart > 0 ? `; ${apart} are in one of the two alone` : ''}`,
    '',
    row(['metric', a.job, b.job, 'difference', '95 % interval']),
    ...Object.entries(metrics).map(([name, values]) => renderDifference(name, values)),
    ...renderClasses(comparison),
    ...renderMcnemar(mcnemar),
    ...renderFlips('fixed', comparison.fixed),
    ...renderFlips('broken', comparison.broken),
    '',
    `* The interval of the difference does not hold 0. ${resamples} bootstrap samples, the same for both.`,
  ];
}

/** What the last of four decimals shows. */
const smallest = 0.00005;

const widths = [28, 12, 12, 12, 24];

function row(cells: readonly string[]): string {
  return cells
    .map((cell, i) =>
      i === 0 ? plain(cell, widths[0]!).padEnd(widths[0]!) : plain(cell, widths[i]!).padStart(widths[i]!),
    )
    .join('  ');
}

function renderDifference(name: string, { a, b, difference }: Difference): string {
  const { value, low, high } = difference;
  const sure = low !== null && high !== null && (low > smallest || high < -smallest);
  const better = (value ?? 0) > 0 !== lessIsBetter(name);
  const judgement = sure ? (better ? ' * better' : ' * worse') : '';
  return row([name, number(a), number(b), signed(value), `${signed(low)} … ${signed(high)}`]) + judgement;
}

/** Classes whose first metric that is F1, or the first one, changes most. */
function renderClasses({ classes }: Comparison): string[] {
  const changes = classes.flatMap(({ label, metrics }) => {
    const [name, values] =
      Object.entries(metrics).find(([metric]) => metric === 'f1') ?? Object.entries(metrics)[0] ?? [];
    return name && values ? [{ label, name, values }] : [];
  });
  const size = ({ values }: (typeof changes)[number]) => Math.abs(values.difference.value ?? 0);
  const most = changes.sort((x, y) => size(y) - size(x)).slice(0, mostClasses);
  if (most.length === 0) return [];
  return [
    '',
    `classes by how much they change (${most[0]!.name})`,
    ...most.map(({ label, values }) => renderDifference(label, values)),
  ];
}

function renderMcnemar(mcnemar: Comparison['mcnemar']): string[] {
  if (!mcnemar) return [];
  const { onlyA, onlyB, p } = mcnemar;
  return [
    '',
    `${onlyB} records that were wrong are right, ${onlyA} that were right are wrong.`,
    `Two models that err equally often would differ so with probability ${p < 1e-4 ? p.toExponential(1) : p.toFixed(4)} (exact McNemar test).`,
  ];
}

function renderFlips(kind: string, flips: readonly Flip[]): string[] {
  if (flips.length === 0) return [];
  const lines = flips.slice(0, mostFlips).map(({ custom_id, label, a, b, source }) => {
    return `  ${plain(source ?? custom_id, 60)}: ${plain(label, 40)}; it was ${plain(a, 40) || '?'}, it is ${plain(b, 40) || 'nothing'}`;
  });
  return ['', `${kind}${flips.length > mostFlips ? `, ${mostFlips} of many` : ''}:`, ...lines];
}

function number(value: number | null): string {
  return value === null ? '–' : value.toFixed(4);
}

function signed(value: number | null): string {
  return value === null ? '–' : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}

/** A terminal obeys control characters. */
function plain(text: string, most: number): string {
  const shown = text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\ufffd');
  return shown.length > most ? `${shown.slice(0, most - 1)}…` : shown;
}
