import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { InferResponse } from '../../../functions/inference/protocol.ts';
import { createTensor } from '../../../functions/inference/tensor.ts';
import { largestPlane } from '../../../functions/media/label-map.ts';
import { placeBetween } from '../../../functions/media/upsample.ts';
import { readMaskQueries, toSegments, toSemanticPlanes } from '../../../functions/tasks/mask-queries.ts';
import { digest } from '../../pictures.ts';
import { testModel } from './models.ts';

// The digests are those of PyTorch 1.13, interpolate(mode='bilinear', align_corners=False) and the steps of transformers'
// post_process_semantic_segmentation and post_process_panoptic_segmentation, over the same numbers.
const [width, height] = [9, 7];
const places = (plane: { width: number; height: number }) =>
  [
    placeBetween(40, plane.width, (middle) => (middle * plane.width) / 40),
    placeBetween(53, plane.height, (middle) => (middle * plane.height) / 53),
  ] as const;
const [columns, rows] = places({ width, height });

/** Numbers that a formula makes in any language, without rounding. */
function formula(length: number, step: number, modulus: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, i) => ((i * step) % modulus) / 8 - 6);
}

const response: InferResponse = {
  model_name: 'm',
  model_version: '1',
  outputs: [
    createTensor('class_queries_logits', 'FP32', [1, 6, 4], formula(24, 29, 89)),
    createTensor('masks_queries_logits', 'FP32', [1, 6, height, width], formula(6 * height * width, 41, 97)),
  ],
};

test('logits become the labels that PyTorch finds, on borders between classes too', () => {
  const planes = { count: 5, width, height, data: formula(5 * height * width, 37, 101) };
  assert.equal(digest(Uint8Array.from(largestPlane(planes, columns, rows))), 'a943e090f9d27072');
});

suite('masks with a class each', () => {
  const segments = (model_type: string) => {
    const queries = readMaskQueries(response, testModel({ 'config.json': { model_type } }, []))!;
    const thresholds = { threshold: 0.3, mask_threshold: 0.5, overlap_mask_area_threshold: 0.5 };
    return toSegments(queries, thresholds, ...places(queries.masks)).map(({ label, score, contains }) => {
      return [label, score, digest(Uint8Array.from({ length: 40 * 53 }, (_, pixel) => Number(contains(pixel))))];
    });
  };

  test('become the segments of MaskFormer and DETR', () => {
    assert.deepEqual(segments('maskformer'), [
      [2, 0.972846, '5c43a294c325d0c3'],
      [1, 0.954238, 'c5f2cc81d0f8c036'],
    ]);
  });

  test('go by way of 384×384 for Mask2Former', () => {
    assert.deepEqual(segments('mask2former'), [
      [2, 0.972846, 'dfb856309e0c718e'],
      [1, 0.954238, 'd55cab2eee16db0e'],
    ]);
  });

  test('become classes where the semantic subtask is asked for', () => {
    const planes = toSemanticPlanes(readMaskQueries(response, testModel({}, []))!);
    assert.equal(digest(Uint8Array.from(largestPlane(planes, columns, rows))), '58b864e8b306b242');
  });
});
