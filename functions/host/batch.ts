import type { InferRequest, Tensor } from '../inference/protocol.ts';

/** Greedy batching's arithmetic: which requests fit together, how they are joined along dimension 0 and split again. */

/** A request that waits. `batch`: what it has in common with those that it can share a run with; undefined: none can. */
export interface Batchable {
  readonly batch: { readonly key: string; readonly rows: number } | undefined;
  readonly bytes: number;
}

/**
 * Takes the first of `queue` out of it, and with it those after it that fit: the same tensors but for dimension 0, and
 * together within `most`. The others keep their order; the first is taken however large it is.
 */
export function takeBatch<Item extends Batchable>(queue: Item[], most: { rows: number; bytes: number }): Item[] {
  const first = queue.shift()!;
  if (!first.batch) return [first];
  const taken = [first];
  let { rows } = first.batch;
  let { bytes } = first;
  for (let index = 0; index < queue.length && rows < most.rows; ) {
    const next = queue[index]!;
    const moreRows = next.batch?.key === first.batch.key ? rows + next.batch.rows : Number.POSITIVE_INFINITY;
    if (moreRows > most.rows || bytes + next.bytes > most.bytes) {
      index++;
      continue;
    }
    taken.push(...queue.splice(index, 1));
    rows = moreRows;
    bytes += next.bytes;
  }
  return taken;
}

/** Rows of a request, and what another must have in common with it; undefined: it has no common dimension 0. */
export function readBatchShape({ inputs, outputs }: InferRequest): { key: string; rows: number } | undefined {
  const rows = inputs[0]?.shape[0];
  if (!rows || inputs.some(({ shape }) => shape[0] !== rows)) return undefined;
  const parts = inputs.map(({ name, datatype, shape }) => [name, datatype, ...shape.slice(1)]).sort();
  return { key: JSON.stringify([parts, outputs?.map(({ name }) => name)]), rows };
}

export function inputBytes({ inputs }: InferRequest): number {
  return inputs.reduce((sum, { data }) => sum + data.byteLength, 0);
}

/** The inputs of all `requests`, one after the other, in memory that a worker thread can read without a copy. */
export function joinInputs(
  requests: readonly InferRequest[],
  allocate: (bytes: number) => SharedArrayBuffer,
): Tensor[] {
  const layout = requests[0]!.inputs.map((first) => {
    const parts = requests.map(({ inputs }) => inputs.find(({ name }) => name === first.name)!);
    return { first, parts, bytes: parts.reduce((sum, { data }) => sum + data.byteLength, 0) };
  });
  // Every tensor starts 8-aligned, so that typed arrays can be laid over it.
  const buffer = allocate(layout.reduce((sum, { bytes }) => sum + Math.ceil(bytes / 8) * 8, 0));
  let offset = 0;
  return layout.map(({ first: { name, datatype, shape }, parts, bytes }) => {
    const data = new Uint8Array(buffer, offset, bytes);
    let position = 0;
    for (const part of parts) {
      data.set(part.data, position);
      position += part.data.byteLength;
    }
    offset += Math.ceil(bytes / 8) * 8;
    const rows = parts.reduce((sum, part) => sum + (part.shape[0] ?? 0), 0);
    return { name, datatype, shape: parts.length === 1 ? shape : [rows, ...shape.slice(1)], data };
  });
}

/** The outputs of a joined run for each request; undefined: dimension 0 of an output is not that of the inputs. */
export function splitOutputs(outputs: readonly Tensor[], rows: readonly number[]): Tensor[][] | undefined {
  const total = rows.reduce((sum, count) => sum + count, 0);
  if (outputs.some(({ shape }) => shape[0] !== total)) return undefined;
  const offsets = outputs.map((output) => rowOffsets(output, total));
  let start = 0;
  return rows.map((count) => {
    const end = start + count;
    const part = outputs.map((output, index) => ({
      ...output,
      shape: [count, ...output.shape.slice(1)],
      data: output.data.subarray(offsets[index]!(start), offsets[index]!(end)),
    }));
    start = end;
    return part;
  });
}

/** Where a row's bytes begin. Elements of BYTES differ in length and have to be walked. */
function rowOffsets({ datatype, shape, data }: Tensor, rows: number): (row: number) => number {
  if (datatype !== 'BYTES') return (row) => (row * data.byteLength) / rows;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const elementsPerRow = shape.slice(1).reduce((product, size) => product * size, 1);
  const offsets = [0];
  let offset = 0;
  for (let row = 0; row < rows; row++) {
    for (let element = 0; element < elementsPerRow; element++) offset += 4 + view.getUint32(offset, true);
    offsets.push(offset);
  }
  return (row) => offsets[row]!;
}
