import { ServiceError } from '../errors.ts';
import { decodeImage } from '../media/image.ts';
import { ClassTallies, overlapMetrics } from './class-tallies.ts';
import { type Evaluation, type Evaluator, histogramOf } from './evaluator.ts';
import { readMasks } from './read-answers.ts';
import { equalWeights, meanOfDefined, type Weights } from './weights.ts';

type Mask = ReturnType<typeof readMasks>[number];

/** The pixels of a class: 1 where one of its masks is. */
interface ClassPixels {
  readonly width: number;
  readonly height: number;
  readonly inside: Uint8Array;
}

/** Pictures with a mask for each of their parts. Masks of one class are one. A picture that failed has none. */
export class SegmentationEvaluator implements Evaluator {
  private readonly labels = new Map<string, number>();
  private readonly tallies = new ClassTallies();
  private readonly overlaps: Float64Array;

  constructor(records: number) {
    this.overlaps = new Float64Array(records);
  }

  async add(index: number, label: unknown, output: unknown) {
    const truth = await joinMasks(readMasks(label, 'label'));
    const found = output === undefined ? new Map<string, ClassPixels>() : await joinMasks(readMasks(output, 'answer'));
    const names = [...new Set([...truth.keys(), ...found.keys()])];
    const overlaps = names.map((name) => {
      const tally = countPixels(truth.get(name), found.get(name));
      const number = this.labels.get(name) ?? this.labels.size;
      this.labels.set(name, number);
      this.tallies.add(index, number, tally);
      return tally.hits / (tally.support + tally.predicted - tally.hits);
    });
    const overlap = meanOfDefined(overlaps);
    this.overlaps[index] = overlap;
    const loss = output === undefined || Number.isNaN(overlap) ? 0 : 1 - overlap;
    const text = (pixels: ReadonlyMap<string, ClassPixels>) => [...pixels.keys()].sort().join(', ') || 'nothing';
    return { loss, right: loss === 0 && output !== undefined, label: text(truth), answer: text(found) };
  }

  finish(count: number): Evaluation {
    const names = [...this.labels.keys()];
    const order = names.map((_, number) => number).sort((a, b) => (names[a]! < names[b]! ? -1 : 1));
    const overlaps = this.overlaps.subarray(0, count);
    const { support } = this.tallies.count(names.length, equalWeights(count));
    return {
      metrics: ['mean_iou', 'mean_accuracy', 'pixel_accuracy'],
      labels: order.map((number) => names[number]!),
      classMetrics: ['iou', 'accuracy'],
      support: order.map((number) => support[number]!),
      measure: (weights: Weights) => {
        const { perClass, pixelAccuracy } = overlapMetrics(this.tallies.count(names.length, weights));
        const means = [perClass.map(({ iou }) => iou), perClass.map(({ accuracy }) => accuracy)].map(meanOfDefined);
        return [
          ...means,
          pixelAccuracy,
          ...order.flatMap((number) => [perClass[number]!.iou, perClass[number]!.accuracy]),
        ];
      },
      cost: 5 * this.tallies.length,
      notes: ['Pixels are counted over all pictures together; a class that neither is nor was found has no IoU.'],
      details: {
        histogram: {
          of: 'Mean IoU of a record',
          series: ['records'],
          bins: histogramOf(overlaps, () => 0, { range: [0, 1] }),
        },
      },
    };
  }
}

async function joinMasks(masks: readonly Mask[]): Promise<Map<string, ClassPixels>> {
  const joined = new Map<string, ClassPixels>();
  for (const { label, mask } of masks) {
    const { width, height, data } = await decodeImage(Buffer.from(mask, 'base64'));
    const pixels = joined.get(label) ?? { width, height, inside: new Uint8Array(width * height) };
    checkSize(pixels, { width, height });
    for (let i = 0; i < pixels.inside.length; i++) if (data[3 * i]! > 127) pixels.inside[i] = 1;
    joined.set(label, pixels);
  }
  return joined;
}

function countPixels(truth: ClassPixels | undefined, found: ClassPixels | undefined) {
  if (truth && found) checkSize(truth, found);
  const [actual, predicted] = [truth?.inside, found?.inside];
  const tally = { hits: 0, support: 0, predicted: 0 };
  for (let i = 0; i < (actual ?? predicted)!.length; i++) {
    const [is, was] = [actual?.[i] ?? 0, predicted?.[i] ?? 0];
    tally.support += is;
    tally.predicted += was;
    tally.hits += is & was;
  }
  return tally;
}

function checkSize(a: { width: number; height: number }, b: { width: number; height: number }): void {
  if (a.width === b.width && a.height === b.height) return;
  const sizes = `${a.width}×${a.height} and ${b.width}×${b.height} pixels`;
  throw new ServiceError('invalid_request', `masks of one picture have ${sizes}: they must be of one size`);
}
