import { readDetections, readTrueBoxes } from '../evaluation/read-answers.ts';
import { html, isolate } from '../page/html.ts';
import type { Card } from '../page/parts.ts';
import type { TaskName } from '../tasks/task-names.ts';
import { compareWords } from './compare-words.ts';
import type { WorstRecord } from './evaluate-results.ts';
import { type Overlay, previewInputs } from './preview-inputs.ts';

/** A card with what the record holds, what it should have been taken for and what it was taken for. */
export async function renderExample(
  { custom_id, label, answer, source, record }: WorstRecord,
  inputs: unknown,
  task: TaskName,
  budget: { bytes: number },
): Promise<Card> {
  const overlay = task === 'object-detection' ? drawBoxes(record) : undefined;
  const preview = inputs === undefined ? {} : await previewInputs(inputs, task, budget, overlay);
  const spoken = task === 'automatic-speech-recognition';
  const facts: Card['facts'] = spoken
    ? [
        ['Label', isolate(label, 300)],
        ['Answer', compareWords(label, answer)],
      ]
    : [
        ['Label', html`<span class="right">${isolate(label, 200)}</span>`],
        ['Answer', html`<span class="wrong">${isolate(answer, 200)}</span>${scoreOf(record.output)}`],
      ];
  return { ...preview, facts, source: source ?? custom_id };
}

/** How sure the model was of a class. */
function scoreOf(output: unknown): string {
  const list = Array.isArray(output) ? (Array.isArray(output[0]) ? output[0] : output) : [];
  const score: unknown = Object(list[0]).score;
  return typeof score === 'number' && list.length > 0 ? ` (${score.toFixed(3)})` : '';
}

/** Objects that are there with a line, those that were found with a dashed one. */
function drawBoxes({ label, output }: WorstRecord['record']): Overlay | undefined {
  if (label === undefined || output === undefined) return undefined;
  const boxes = [
    ...readTrueBoxes(label).map((one) => ({ ...one, style: 'box s0', title: `there: ${one.label}` })),
    ...readDetections(output).map((one) => ({
      ...one,
      style: 'box found s1',
      title: `found: ${one.label} (${one.score.toFixed(2)})`,
    })),
  ];
  return ({ width, height }) => {
    const rects = boxes.map(
      ({ box: { xmin, ymin, xmax, ymax }, style, title }) =>
        html`<rect class="${style}" x="${xmin}" y="${ymin}" width="${Math.max(0, xmax - xmin)}" height="${Math.max(0, ymax - ymin)}"><title>${title}</title></rect>`,
    );
    return html`<svg viewBox="0 0 ${width} ${height}" role="img"><title>Objects that are there, and dashed those that were found</title>${rects}</svg>`;
  };
}
