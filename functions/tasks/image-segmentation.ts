import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { InferResponse } from '../inference/protocol.ts';
import { encodePng } from '../media/image.ts';
import { countAbove, largestPlane, type Planes } from '../media/label-map.ts';
import type { Size } from '../media/resize.ts';
import { type Between, placeBetween } from '../media/upsample.ts';
import type { Model } from '../registry/model-manifest.ts';
import { imageInput, type PreparedImage, prepareImage } from './image-input.ts';
import { labelReader } from './labels.ts';
import { readMaskQueries, type Segment, toSegments, toSemanticPlanes } from './mask-queries.ts';
import { failAnswer, findOutput, listOutputs } from './numeric-output.ts';
import type { WholeTask } from './task.ts';

const form = 'a number from 0 to 1 is needed';
const share = z.number(form).min(0, form).max(1, form);
const subtasks = "one of 'instance', 'panoptic', 'semantic' is needed";
const parametersSchema = z.strictObject({
  subtask: z
    .enum(['instance', 'panoptic', 'semantic'], subtasks)
    .optional()
    .describe('What is answered; without it the best that the model can.'),
  threshold: share.default(0.9).describe('Masks whose class has a score up to this are left out.'),
  mask_threshold: share.default(0.5).describe('A pixel with a higher share belongs to the mask.'),
  overlap_mask_area_threshold: share
    .default(0.5)
    .describe('Of a mask this share must be left where others lie over it.'),
});
const input = z.strictObject({ inputs: imageInput, parameters: parametersSchema.prefault({}) });

type Parameters = z.infer<typeof parametersSchema>;

interface LabelledMask {
  readonly label: string;
  /** Absent in semantic segmentation. */
  readonly score?: number;
  /** A grey PNG of the picture's size in base64: 255 where the segment is, else 0. */
  readonly mask: string;
}

/** A picture → its parts: `[{ label, score, mask }]`. */
export const imageSegmentation: WholeTask<z.infer<typeof input>, LabelledMask[]> = {
  name: 'image-segmentation',
  rawBody: 'bytes',
  input,
  async run({ inputs, parameters }, model, infer) {
    const image = await prepareImage(inputs, model);
    const response = await infer({ inputs: image.tensors });
    const label = labelReader(model);
    const masks: LabelledMask[] = [];
    // One after the other: each takes a byte per pixel.
    for (const segment of findSegments(response, parameters, image, model)) {
      const mask = await encodeMask(segment.contains, image.original);
      masks.push({ label: label(segment.label), ...('score' in segment && { score: segment.score }), mask });
    }
    return masks;
  },
};

function findSegments(
  response: InferResponse,
  parameters: Parameters,
  image: PreparedImage,
  model: Model,
): (Segment | Omit<Segment, 'score'>)[] {
  const queries = readMaskQueries(response, model);
  if (queries && parameters.subtask !== 'semantic') {
    return toSegments(queries, parameters, ...places(queries.masks, image));
  }
  if (!queries && parameters.subtask !== undefined && parameters.subtask !== 'semantic') {
    throw new ServiceError(
      'invalid_request',
      `parameters.subtask '${parameters.subtask}': the model does 'semantic' alone`,
    );
  }
  const planes = queries ? toSemanticPlanes(queries) : readPlanes(response, model);
  const [columns, rows] = places(planes, image);
  if (planes.count === 1) return foreground(planes, parameters.mask_threshold, columns, rows);
  const labels = largestPlane(planes, columns, rows);
  return [...new Set(labels)]
    .sort((a, b) => a - b)
    .map((label) => ({ label, contains: (pixel: number) => labels[pixel] === label }));
}

/** A network with one class tells it from everything else. */
function foreground(planes: Planes, threshold: number, columns: Between, rows: Between): Omit<Segment, 'score'>[] {
  // The sigmoid keeps the order, so the logit of the threshold parts the same pixels.
  const least = Math.log(threshold / (1 - threshold));
  const part = {
    ...planes,
    count: 2,
    data: Float32Array.from({ length: planes.data.length * 2 }, (_, i) =>
      i < planes.data.length ? planes.data[i]! : least,
    ),
  };
  if (countAbove(planes, columns, rows, () => least)[0] === 0) return [];
  const labels = largestPlane(part, columns, rows);
  return [{ label: 0, contains: (pixel) => labels[pixel] === 0 }];
}

/** Where the picture's pixels lie on planes that cover the model's input. */
function places(planes: Size, { original, layout: { size, box }, canvas }: PreparedImage): [Between, Between] {
  const columns = placeBetween(original.width, planes.width, (middle) => {
    return (((middle * size.width) / original.width - box.left) * planes.width) / canvas.width;
  });
  const rows = placeBetween(original.height, planes.height, (middle) => {
    return (((middle * size.height) / original.height - box.top) * planes.height) / canvas.height;
  });
  return [columns, rows];
}

function readPlanes(response: InferResponse, model: Model): Planes {
  const output = findOutput(response, ['logits', response.outputs[0]?.name ?? ''], model);
  const [one, count = 0, height = 0, width = 0] = output?.shape ?? [];
  if (output?.shape.length === 4 && one === 1 && count > 0 && count <= 0xffff && width * height > 0) {
    return { count, width, height, data: output.data };
  }
  return failAnswer(model, `has ${listOutputs(response)}; logits [1, classes, height, width] are needed`);
}

async function encodeMask(contains: (pixel: number) => boolean, { width, height }: Size): Promise<string> {
  const data = new Uint8Array(width * height);
  for (let pixel = 0; pixel < data.length; pixel++) if (contains(pixel)) data[pixel] = 255;
  return Buffer.from(await encodePng({ width, height, channels: 1, data })).toString('base64');
}
