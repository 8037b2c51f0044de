import * as z from 'zod';
import type { InferResponse } from '../inference/protocol.ts';
import type { Model } from '../registry/model-manifest.ts';
import {
  bestFirst,
  type Detection,
  type DetectionSettings,
  readDetectionSettings,
  suppressOverlaps,
} from './detection.ts';
import { readHead } from './detection-heads.ts';
import { imageInput, type PreparedImage, prepareImage } from './image-input.ts';
import { labelReader, readLabelNames } from './labels.ts';
import { failAnswer, findOutput, listOutputs } from './numeric-output.ts';
import { softmax } from './softmax.ts';
import type { WholeTask } from './task.ts';

const thresholdForm = 'a number from 0 to 1 is needed';
const input = z.strictObject({
  inputs: imageInput,
  parameters: z
    .strictObject({
      threshold: z
        .number(thresholdForm)
        .min(0, thresholdForm)
        .max(1, thresholdForm)
        .optional()
        .describe(
          'Objects with a lower score are left out; without it what the package says, or 0.5 (DETR) and 0.25 (others).',
        ),
    })
    .prefault({}),
});

interface DetectedObject {
  readonly label: string;
  readonly score: number;
  /** In pixels of the picture, whole ones as transformers cuts them off. */
  readonly box: Readonly<Record<'xmin' | 'ymin' | 'xmax' | 'ymax', number>>;
}

/** A picture → what is on it and where, best first: `[{ label, score, box: { xmin, ymin, xmax, ymax } }]`. */
export const objectDetection: WholeTask<z.infer<typeof input>, DetectedObject[]> = {
  name: 'object-detection',
  rawBody: 'bytes',
  input,
  async run({ inputs, parameters }, model, infer) {
    const image = await prepareImage(inputs, model);
    const response = await infer({ inputs: image.tensors });
    const settings = readDetectionSettings(model);
    const label = labelReader(model);
    return findObjects(response, settings, parameters.threshold, image, model).map(
      ({ label: index, score, ...box }) => {
        const whole = Object.fromEntries(Object.entries(box).map(([side, value]) => [side, Math.trunc(value) + 0]));
        return { label: label(index), score, box: whole as DetectedObject['box'] };
      },
    );
  },
};

function findObjects(
  response: InferResponse,
  settings: DetectionSettings,
  wanted: number | undefined,
  image: PreparedImage,
  model: Model,
): Detection[] {
  const names = new Set(response.outputs.map(({ name }) => name));
  if (settings.format === 'detr' || (!settings.format && names.has('pred_boxes'))) {
    const found = readDetr(response, wanted ?? settings.threshold ?? 0.5, image, model);
    return bestFirst(found).slice(0, settings.max_detections);
  }
  const threshold = wanted ?? settings.threshold ?? 0.25;
  const labels = readLabelNames(model)?.length;
  const { found, overlapping } = readHead(response, settings, { threshold, canvas: image.canvas, labels, model });
  const best = overlapping
    ? suppressOverlaps(found, settings.iou_threshold ?? 0.45, settings.max_detections)
    : bestFirst(found).slice(0, settings.max_detections);
  return best.map((detection) => toPicture(detection, image));
}

/** Back through padding, crop and resize, and within the picture. */
function toPicture(detection: Detection, { layout: { size, box }, original }: PreparedImage): Detection {
  const x = (position: number) => clip(((position + box.left) * original.width) / size.width, original.width);
  const y = (position: number) => clip(((position + box.top) * original.height) / size.height, original.height);
  const { label, score, xmin, ymin, xmax, ymax } = detection;
  return { label, score, xmin: x(xmin), ymin: y(ymin), xmax: x(xmax), ymax: y(ymax) };
}

function clip(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}

/**
 * transformers' post_process_object_detection: DETR has a class more than labels, for "no object", and one label per box;
 * its successors (Conditional and Deformable DETR, RT-DETR, D-FINE) have a sigmoid for every label of every box.
 */
function readDetr(response: InferResponse, threshold: number, { original }: PreparedImage, model: Model): Detection[] {
  const logits = findOutput(response, ['logits'], model);
  const boxes = findOutput(response, ['pred_boxes'], model);
  const [one, queries = 0, classes = 0] = logits?.shape ?? [];
  if (!logits || boxes?.data.length !== queries * 4 || one !== 1 || classes === 0) {
    return failAnswer(
      model,
      `has ${listOutputs(response)}; logits [1, n, classes] and pred_boxes [1, n, 4] are needed`,
    );
  }
  const labels = readLabelNames(model)?.length;
  const found: Detection[] = [];
  for (let query = 0; query < queries; query++) {
    const [x, y, width, height] = [0, 1, 2, 3].map((side) => boxes.data[query * 4 + side]!) as [
      number,
      number,
      number,
      number,
    ];
    const box = {
      xmin: toPixels(x, -width, original.width),
      ymin: toPixels(y, -height, original.height),
      xmax: toPixels(x, width, original.width),
      ymax: toPixels(y, height, original.height),
    };
    const row = Array.from({ length: classes }, (_, index) => logits.data[query * classes + index]!);
    const scores = labels === classes ? row.map((logit) => 1 / (1 + Math.exp(-logit))) : oneLabel(softmax(row));
    scores.forEach((score, label) => {
      if (score > threshold) found.push({ label, score, ...box });
    });
  }
  return labels === classes ? bestFirst(found).slice(0, mostOf(model, queries)) : found;
}

/** In single precision, as PyTorch: what is cut off afterwards may hang on the last bit. */
function toPixels(centre: number, length: number, pixels: number): number {
  return Math.fround(Math.fround(centre + Math.fround(0.5 * length)) * pixels);
}

/** The best score but the last, which is "no object"; the others are 0. */
function oneLabel(scores: readonly number[]): number[] {
  const objects = scores.slice(0, -1);
  const highest = objects.indexOf(objects.reduce((a, b) => Math.max(a, b), 0));
  return objects.map((score, index) => (index === highest ? score : 0));
}

/** Conditional and Deformable DETR answer 100 boxes at most, others as many as they have queries. */
function mostOf({ assets }: Model, queries: number): number {
  const kind = (assets['config.json'] as { model_type?: unknown } | undefined)?.model_type;
  return kind === 'deformable_detr' || kind === 'conditional_detr' ? 100 : queries;
}
