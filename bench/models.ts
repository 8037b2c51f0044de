import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tensor } from '../functions/inference/protocol.ts';
import { createTensor } from '../functions/inference/tensor.ts';
import { encoder } from './models/encoder.ts';
import { mobileNet } from './models/mobile-net.ts';
import { tinyCnn } from './models/tiny-cnn.ts';
import { random } from './random.ts';

export interface BenchModel {
  readonly name: string;
  readonly description: string;
  graph(): Uint8Array;
  /** The inputs of one request, of one row; the same for the same seed. */
  inputs(seed: number): Tensor[];
}

export const models: readonly BenchModel[] = [
  {
    name: 'tiny',
    description: 'CNN, 3×28×28 as the sample digits takes it, 2 convolutions, 10 outputs',
    graph: tinyCnn,
    inputs: (seed) => [picture('pixel_values', [1, 3, 28, 28], seed)],
  },
  {
    name: 'mobilenet',
    description: 'MobileNetV2, 3×224×224 (602 KB), 3.5 M weights, 1,000 outputs',
    graph: mobileNet,
    inputs: (seed) => [picture('pixel_values', [1, 3, 224, 224], seed)],
  },
  {
    name: 'minilm',
    description: 'encoder of MiniLM-L6 size, 128 tokens in, last_hidden_state (197 KB) out',
    graph: encoder,
    inputs: sentence,
  },
];

function picture(name: string, shape: number[], seed: number): Tensor {
  const next = random(seed);
  const size = shape.reduce((product, length) => product * length, 1);
  return createTensor(
    name,
    'FP32',
    shape,
    Float32Array.from({ length: size }, () => next() * 4 - 2),
  );
}

function sentence(seed: number): Tensor[] {
  const next = random(seed);
  const length = 20 + Math.floor(next() * 108);
  const ids = BigInt64Array.from({ length: 128 }, (_, at) => (at < length ? BigInt(Math.floor(next() * 1000)) : 0n));
  const mask = BigInt64Array.from({ length: 128 }, (_, at) => (at < length ? 1n : 0n));
  return [createTensor('input_ids', 'INT64', [1, 128], ids), createTensor('attention_mask', 'INT64', [1, 128], mask)];
}

/** Requests of one model that the load goes through in turn. */
export const inputsPerModel = 8;

/** Writes each model as a package into `folder/<name>`. */
export async function writePackages(folder: string): Promise<void> {
  for (const { name, graph } of models) {
    const bytes = graph();
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const manifest = { name, version: '1', maxBatchSize: 32, files: { 'model.onnx': { sha256, size: bytes.length } } };
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, 'model.onnx'), bytes);
    await writeFile(join(folder, name, 'model.json'), JSON.stringify(manifest));
  }
}
