import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Model } from '../registry/model-manifest.ts';

const share = z.number().min(0).max(1);

/** `detection` in model.json's `preprocessing`: what a detector's outputs mean, where they do not show it. */
const settingsSchema = z.strictObject({
  /**
   * `detr`: logits and pred_boxes. `yolov8` (also v9, 11, 12): [1, 4 + classes, boxes]. `yolov5` (also v7): [1, boxes, 5 +
   * classes]. `yolox`: the same, relative to a grid. `end_to_end` (YOLOv10): [1, boxes, 6], x1 y1 x2 y2 score class.
   * `boxes`: boxes, scores and maybe labels as outputs of their own (SSD, torchvision).
   */
  format: z.enum(['detr', 'yolov5', 'yolov8', 'yolox', 'end_to_end', 'boxes']).optional(),
  /** Detections with a score up to this are left out; a request's `threshold` comes before it. */
  threshold: share.optional(),
  /** Of two boxes of one class that overlap by more than this share the weaker one is left out. */
  iou_threshold: share.optional(),
  max_detections: z.int().min(1).max(10_000).default(300),
  /** Boxes count from 0 to 1 over the model's input, not in its pixels. */
  relative: z.boolean().default(false),
  /** How four numbers of `boxes` make a box: two corners, x or y first (TensorFlow), or the centre, width and height. */
  box: z.enum(['xyxy', 'yxyx', 'cxcywh']).default('xyxy'),
  /** The class that stands for no object, in the scores of `boxes`. */
  background: z.int().min(0).optional(),
  /** Names of the outputs of `boxes`. */
  outputs: z.strictObject({ boxes: z.string(), scores: z.string(), labels: z.string().optional() }).optional(),
});

export type DetectionSettings = z.infer<typeof settingsSchema>;

/** Reads `preprocessing.detection`. Throws model_failed. */
export function readDetectionSettings({ manifest }: Model): DetectionSettings {
  const parsed = settingsSchema.safeParse(manifest.preprocessing?.detection ?? {});
  if (parsed.success) return parsed.data;
  const reason = z.prettifyError(parsed.error);
  throw new ServiceError('model_failed', `preprocessing.detection of model ${manifest.name} cannot be read: ${reason}`);
}

/** A box in the pixels of the model's input, or of the picture, with the class that it was found for. */
export interface Detection {
  readonly label: number;
  readonly score: number;
  readonly xmin: number;
  readonly ymin: number;
  readonly xmax: number;
  readonly ymax: number;
}

/**
 * Detections best first, without those that overlap a better one of their class by more than `iouThreshold` (intersection
 * over union): greedy non-maximum suppression, as torchvision's `batched_nms`.
 */
export function suppressOverlaps(found: readonly Detection[], iouThreshold: number, most: number): Detection[] {
  const kept: Detection[] = [];
  for (const candidate of bestFirst(found)) {
    if (kept.length === most) break;
    const covered = kept.some(
      (better) => better.label === candidate.label && overlap(better, candidate) > iouThreshold,
    );
    if (!covered) kept.push(candidate);
  }
  return kept;
}

export function bestFirst(found: readonly Detection[]): Detection[] {
  return found.toSorted((a, b) => b.score - a.score);
}

function overlap(a: Detection, b: Detection): number {
  const width = Math.min(a.xmax, b.xmax) - Math.max(a.xmin, b.xmin);
  const height = Math.min(a.ymax, b.ymax) - Math.max(a.ymin, b.ymin);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (area(a) + area(b) - shared);
}

function area({ xmin, ymin, xmax, ymax }: Detection): number {
  return (xmax - xmin) * (ymax - ymin);
}
