/** Corners in pixels, from the upper left. */
export interface Box {
  readonly xmin: number;
  readonly ymin: number;
  readonly xmax: number;
  readonly ymax: number;
}

/**
 * Area of the intersection over area of the union; 0 where they do not meet. Of a crowd (`inCrowd`) over the first box's own
 * area: one of many may lie anywhere in it. Source: cocodataset/cocoapi, maskApi.c, bbIou.
 */
export function intersectionOverUnion(box: Box, other: Box, inCrowd = false): number {
  const width = Math.min(box.xmax, other.xmax) - Math.max(box.xmin, other.xmin);
  const height = Math.min(box.ymax, other.ymax) - Math.max(box.ymin, other.ymin);
  if (width <= 0 || height <= 0) return 0;
  const intersection = width * height;
  return intersection / (inCrowd ? area(box) : area(box) + area(other) - intersection);
}

export function area({ xmin, ymin, xmax, ymax }: Box): number {
  return (xmax - xmin) * (ymax - ymin);
}
