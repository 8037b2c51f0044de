import { datatypeSizes, type Tensor, type TensorMetadata } from './protocol.ts';

/** Zeros for every input of a graph; a dimension of any size is 1. An element of BYTES is empty. */
export function zeroTensors(inputs: readonly TensorMetadata[]): Tensor[] {
  return inputs.map(({ name, datatype, shape }) => {
    const sizes = shape.map((size) => Math.max(size, 1));
    const count = sizes.reduce((product, size) => product * size, 1);
    // An element of BYTES begins with its length in four bytes.
    return { name, datatype, shape: sizes, data: new Uint8Array(count * (datatypeSizes[datatype] || 4)) };
  });
}
