import { graphBuilder } from './graph-builder.ts';

/** Two convolutions with pooling and a linear layer, over pictures in the form that the sample digits takes: 9,242 weights. */
export function tinyCnn(): Uint8Array {
  const { add, weights, build } = graphBuilder(1);
  const convolve = (x: string, channels: number, filters: number) => {
    const kernel = [weights([filters, channels, 3, 3], (channels * 9) / 2), weights([filters], 1000)];
    const y = add('Relu', [add('Conv', [x, ...kernel], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })]);
    return add('MaxPool', [y], { kernel_shape: [2, 2], strides: [2, 2] });
  };
  const features = add('Flatten', [convolve(convolve('pixel_values', 3, 8), 8, 16)]);
  const logits = add('Gemm', [features, weights([784, 10], 784), weights([10], 1000)]);
  return build(
    [{ name: 'pixel_values', datatype: 'FP32', shape: [-1, 3, 28, 28] }],
    { name: 'logits', datatype: 'FP32', shape: [-1, 10] },
    logits,
  );
}
