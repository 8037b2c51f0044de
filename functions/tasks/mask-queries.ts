import type { InferResponse } from '../inference/protocol.ts';
import { countAbove, largestPlane, type Planes } from '../media/label-map.ts';
import { type Between, blend, placeBetween } from '../media/upsample.ts';
import type { Model } from '../registry/model-manifest.ts';
import { failAnswer, findOutput, listOutputs } from './numeric-output.ts';
import { softmax } from './softmax.ts';

/** The outputs of a network that answers masks with a class each: DETR, MaskFormer, Mask2Former. */
export interface MaskQueries {
  /** Shares of each class for every mask; the last one means "no object". */
  readonly classes: readonly (readonly number[])[];
  /** Logits of every mask. */
  readonly masks: Planes;
}

export interface Segment {
  readonly label: number;
  readonly score: number;
  /** One number per pixel, row-major: whether it belongs to the segment. */
  readonly contains: (pixel: number) => boolean;
}

interface Thresholds {
  readonly threshold: number;
  readonly mask_threshold: number;
  readonly overlap_mask_area_threshold: number;
}

/** Mask2Former brings its masks to this size first (image_processing_mask2former.py). */
const mask2FormerSide = 384;

/** undefined: the network answers no masks of this kind. Throws model_failed. */
export function readMaskQueries(response: InferResponse, model: Model): MaskQueries | undefined {
  const masks = findOutput(response, ['masks_queries_logits', 'pred_masks'], model);
  if (!masks) return undefined;
  const logits = findOutput(response, ['class_queries_logits', 'logits'], model);
  const [one, queries = 0, height = 0, width = 0] = masks.shape;
  const count = logits?.shape.at(-1) ?? 0;
  if (
    !logits ||
    one !== 1 ||
    count < 2 ||
    logits.data.length !== queries * count ||
    masks.data.length !== queries * height * width
  ) {
    return failAnswer(
      model,
      `has ${listOutputs(response)}; logits [1, n, classes + 1] and masks [1, n, h, w] are needed`,
    );
  }
  const classes = Array.from({ length: queries }, (_, query) =>
    softmax(Array.from({ length: count }, (_, index) => logits.data[query * count + index]!)),
  );
  const planes = { count: queries, width, height, data: masks.data };
  return { classes, masks: needsMask2FormerSize(model) ? resizePlanes(planes, mask2FormerSide) : planes };
}

function needsMask2FormerSize({ assets }: Model): boolean {
  return (assets['config.json'] as { model_type?: unknown } | undefined)?.model_type === 'mask2former';
}

function resizePlanes(planes: Planes, side: number): Planes {
  const { count, width, height, data } = planes;
  if (width === side && height === side) return planes;
  const columns = placeBetween(side, width, (middle) => (middle * width) / side);
  const rows = placeBetween(side, height, (middle) => (middle * height) / side);
  const resized = new Float32Array(count * side * side);
  for (let plane = 0, to = 0; plane < count; plane++) {
    for (let y = 0; y < side; y++) {
      const upper = (plane * height + rows.first[y]!) * width;
      const lower = (plane * height + rows.second[y]!) * width;
      for (let x = 0; x < side; x++) {
        const [left, right] = [columns.first[x]!, columns.second[x]!];
        const share = columns.share[x]!;
        resized[to++] = blend(
          data[upper + left]!,
          data[upper + right]!,
          data[lower + left]!,
          data[lower + right]!,
          share,
          rows.share[y]!,
        );
      }
    }
  }
  return { count, width: side, height: side, data: resized };
}

/** One plane per class: transformers' post_process_semantic_segmentation of MaskFormer. */
export function toSemanticPlanes({ classes, masks }: MaskQueries): Planes {
  const size = masks.width * masks.height;
  const count = classes[0]!.length - 1;
  const data = new Float32Array(count * size);
  classes.forEach((shares, query) => {
    for (let i = 0; i < size; i++) {
      const probability = sigmoid(masks.data[query * size + i]!);
      for (let label = 0; label < count; label++) data[label * size + i]! += shares[label]! * probability;
    }
  });
  return { count, width: masks.width, height: masks.height, data };
}

/**
 * Segments that no two share a pixel of: transformers' post_process_panoptic_segmentation (which fuses nothing by itself).
 */
export function toSegments(
  { classes, masks }: MaskQueries,
  { threshold, mask_threshold, overlap_mask_area_threshold }: Thresholds,
  columns: Between,
  rows: Between,
): Segment[] {
  const kept = classes.flatMap((shares, query) => {
    const score = shares.reduce((a, b) => Math.max(a, b));
    const label = shares.indexOf(score);
    return label < shares.length - 1 && score > threshold ? [{ query, score, label }] : [];
  });
  if (kept.length === 0) return [];
  const size = masks.width * masks.height;
  const data = new Float32Array(kept.length * size);
  kept.forEach(({ query, score }, index) => {
    for (let i = 0; i < size; i++) data[index * size + i] = sigmoid(masks.data[query * size + i]!) * score;
  });
  const planes = { count: kept.length, width: masks.width, height: masks.height, data };
  const owners = largestPlane(planes, columns, rows);
  const areas = new Array<number>(kept.length).fill(0);
  for (const owner of owners) areas[owner]!++;
  const wholes = countAbove(planes, columns, rows, () => mask_threshold);
  return kept.flatMap(({ score, label }, index) => {
    const share = areas[index]! / wholes[index]!;
    if (!(wholes[index]! > 0 && share > overlap_mask_area_threshold)) return [];
    return [{ label, score: Math.round(score * 1e6) / 1e6, contains: (pixel: number) => owners[pixel] === index }];
  });
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
