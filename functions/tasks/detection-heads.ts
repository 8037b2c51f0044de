import type { InferResponse } from '../inference/protocol.ts';
import type { Size } from '../media/resize.ts';
import type { Model } from '../registry/model-manifest.ts';
import type { Detection, DetectionSettings } from './detection.ts';
import { failAnswer, findOutput, listOutputs, type NumericOutput } from './numeric-output.ts';

/** Boxes of one class each; `overlapping`: the network leaves it to us to choose among boxes of one object. */
export interface HeadOutput {
  readonly found: Detection[];
  readonly overlapping: boolean;
}

/** A network's grids, in pixels of its input per cell (YOLOX, exps/default). */
const yoloxStrides = [8, 16, 32];

/** Detections of a YOLO-like or SSD-like network, in pixels of its input, whose scores are above `threshold`. */
export function readHead(
  response: InferResponse,
  settings: DetectionSettings,
  { threshold, canvas, labels, model }: { threshold: number; canvas: Size; labels: number | undefined; model: Model },
): HeadOutput {
  const scale = settings.relative ? canvas : { width: 1, height: 1 };
  const format = settings.format ?? guessFormat(response, labels, model);
  if (format === 'boxes') return readBoxes(response, settings, threshold, scale, model);
  const output = onlyOutput(response, model);
  const transposed = format === 'yolov8' && isTransposed(output, labels);
  const [rows, columns] = transposed ? [output.shape[2]!, output.shape[1]!] : [output.shape[1]!, output.shape[2]!];
  const at: Matrix = transposed
    ? (row, column) => output.data[column * rows + row]!
    : (row, column) => output.data[row * columns + column]!;
  if (format === 'end_to_end') {
    if (columns !== 6) return failAnswer(model, `has ${listOutputs(response)}; [1, boxes, 6] is needed`);
    return { found: readEndToEnd(at, rows, threshold, scale), overlapping: false };
  }
  const first = format === 'yolov8' ? 4 : 5;
  if (columns <= first) return failAnswer(model, `has ${listOutputs(response)}, which is too narrow for ${format}`);
  const grid = format === 'yolox' ? createGrid(canvas, rows, model) : undefined;
  const found: Detection[] = [];
  for (let row = 0; row < rows; row++) {
    const objectness = first === 5 ? at(row, 4) : 1;
    if (!(objectness > threshold)) continue;
    const [label, probability] = best(columns - first, (index) => at(row, first + index));
    const score = probability * objectness;
    if (!(score > threshold)) continue;
    const [x, y, width, height] = [at(row, 0), at(row, 1), at(row, 2), at(row, 3)] as const;
    const box = grid ? grid(row, x, y, width, height) : centred(x, y, width, height, scale);
    found.push({ label, score, ...box });
  }
  return { found, overlapping: true };
}

type Matrix = (row: number, column: number) => number;
type Corners = Pick<Detection, 'xmin' | 'ymin' | 'xmax' | 'ymax'>;

function centred(x: number, y: number, width: number, height: number, scale: Size): Corners {
  return corners(x - width / 2, y - height / 2, x + width / 2, y + height / 2, scale);
}

function corners(xmin: number, ymin: number, xmax: number, ymax: number, scale: Size): Corners {
  return { xmin: xmin * scale.width, ymin: ymin * scale.height, xmax: xmax * scale.width, ymax: ymax * scale.height };
}

const boxReaders: Record<DetectionSettings['box'], typeof corners> = {
  xyxy: corners,
  yxyx: (ymin, xmin, ymax, xmax, scale) => corners(xmin, ymin, xmax, ymax, scale),
  cxcywh: centred,
};

function readEndToEnd(at: Matrix, rows: number, threshold: number, scale: Size): Detection[] {
  const found: Detection[] = [];
  for (let row = 0; row < rows; row++) {
    const score = at(row, 4);
    if (!(score > threshold)) continue;
    found.push({ label: at(row, 5), score, ...corners(at(row, 0), at(row, 1), at(row, 2), at(row, 3), scale) });
  }
  return found;
}

/** Outputs `boxes` [.., boxes, 4] and `scores` [.., boxes] with `labels` of the same shape, or [.., boxes, classes]. */
function readBoxes(
  response: InferResponse,
  settings: DetectionSettings,
  threshold: number,
  scale: Size,
  model: Model,
): HeadOutput {
  const names = settings.outputs;
  const boxes = findOutput(response, [names?.boxes ?? 'boxes'], model);
  const scores = findOutput(response, [names?.scores ?? 'scores'], model);
  const labels = findOutput(response, [names?.labels ?? 'labels'], model);
  if (!boxes || !scores) return failAnswer(model, `has ${listOutputs(response)}; boxes and scores are needed`);
  const rows = boxes.data.length / 4;
  const classes = scores.data.length / Math.max(1, rows);
  if (
    boxes.shape.at(-1) !== 4 ||
    !Number.isInteger(classes) ||
    (labels && (classes !== 1 || labels.data.length !== rows))
  ) {
    return failAnswer(model, `has ${listOutputs(response)}; a score, or one for each class, is needed for every box`);
  }
  const found: Detection[] = [];
  for (let row = 0; row < rows; row++) {
    const score = (index: number) =>
      index === settings.background ? Number.NEGATIVE_INFINITY : scores.data[row * classes + index]!;
    const [index, probability] = best(classes, score);
    if (!(probability > threshold)) continue;
    const [a, b, c, d] = [0, 1, 2, 3].map((side) => boxes.data[row * 4 + side]!) as [number, number, number, number];
    const box = boxReaders[settings.box](a, b, c, d, scale);
    found.push({ label: labels?.data[row] ?? index, score: probability, ...box });
  }
  return { found, overlapping: !labels };
}

function best(count: number, score: (index: number) => number): [index: number, score: number] {
  let index = 0;
  for (let other = 1; other < count; other++) if (score(other) > score(index)) index = other;
  return [index, score(index)];
}

/** YOLOX' decode_outputs: places count from a cell, sizes are logarithms. */
function createGrid({ width, height }: Size, rows: number, model: Model) {
  const cells = yoloxStrides.flatMap((stride) => {
    const across = Math.floor(width / stride);
    return Array.from({ length: across * Math.floor(height / stride) }, (_, index) => {
      return { left: index % across, top: Math.floor(index / across), stride };
    });
  });
  if (cells.length !== rows) {
    return failAnswer(model, `has ${rows} boxes; the grids of ${width}×${height} have ${cells.length} cells`);
  }
  return (row: number, x: number, y: number, w: number, h: number): Corners => {
    const { left, top, stride } = cells[row]!;
    return centred(x + left, y + top, Math.exp(w), Math.exp(h), { width: stride, height: stride });
  };
}

function onlyOutput(response: InferResponse, model: Model): NumericOutput {
  const output = findOutput(response, ['output0', response.outputs[0]?.name ?? ''], model);
  if (output?.shape.length === 3 && output.shape[0] === 1) return output;
  return failAnswer(model, `has ${listOutputs(response)}; one of three dimensions for one picture is needed`);
}

function isTransposed({ shape }: NumericOutput, labels: number | undefined): boolean {
  const [, middle = 0, last = 0] = shape;
  return labels === undefined ? middle < last : middle === labels + 4 || last !== labels + 4;
}

function guessFormat(response: InferResponse, labels: number | undefined, model: Model) {
  const names = new Set(response.outputs.map(({ name }) => name));
  if (names.has('boxes') && names.has('scores')) return 'boxes';
  const [, middle = 0, last = 0] = onlyOutput(response, model).shape;
  if (labels !== undefined && (middle === labels + 4 || last === labels + 4)) return 'yolov8';
  if (labels !== undefined && last === labels + 5) return 'yolov5';
  if (last === 6) return 'end_to_end';
  if (labels === undefined && middle < last) return 'yolov8';
  const hint = 'name its format under preprocessing.detection in model.json';
  return failAnswer(
    model,
    `has ${listOutputs(response)}, which no known detector has for ${labels ?? 'any number of'} labels: ${hint}`,
  );
}
