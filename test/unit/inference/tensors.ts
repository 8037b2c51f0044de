import fc from 'fast-check';
import { type Datatype, datatypeSizes, type Tensor } from '../../../functions/inference/protocol.ts';
import { countElements, encodeBytes } from '../../../functions/inference/tensor.ts';

/** Tensors of a datatype with up to 4 dimensions of 0 to 4, with any bits that the datatype has. */
export function tensorOf(datatype: Datatype): fc.Arbitrary<Tensor> {
  return fc
    .record({ name: fc.string({ minLength: 1 }), shape: fc.array(fc.nat({ max: 4 }), { maxLength: 4 }) })
    .chain(({ name, shape }) =>
      elementBytes(datatype, countElements(shape, datatype)).map((data) => ({ name, datatype, shape, data })),
    );
}

function elementBytes(datatype: Datatype, count: number): fc.Arbitrary<Uint8Array> {
  const size = datatypeSizes[datatype];
  const exactly = (length: number) => ({ minLength: length, maxLength: length });
  if (datatype === 'BOOL') return fc.array(fc.nat({ max: 1 }), exactly(count)).map((bits) => Uint8Array.from(bits));
  if (datatype !== 'BYTES') return fc.uint8Array(exactly(count * size));
  return fc.array(fc.string({ unit: 'binary' }), exactly(count)).map((strings) => encodeBytes(strings));
}

export const datatypes = Object.keys(datatypeSizes) as Datatype[];

/** Tensors as values: bytes compare by their content, whatever memory they lie in. */
export function plain(tensors: readonly Tensor[]): object[] {
  return tensors.map((tensor) => ({ ...tensor, data: Buffer.from(tensor.data).toString('hex') }));
}
