import { type GraphBuilder, graphBuilder } from './graph-builder.ts';

/** Expansion, channels, blocks, stride of the first block. Source: MobileNetV2 (Sandler et al., 2018), table 2. */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

interface Convolution {
  channels: number;
  filters: number;
  kernel?: number;
  stride?: number;
  depthwise?: boolean;
}

/** MobileNetV2 at width 1.0 with batch normalization folded into the convolutions: 3.5 M weights, 300 M multiply-adds. */
export function mobileNet(): Uint8Array {
  const graph = graphBuilder(2);
  const relu6 = clip(graph);
  let x = relu6(convolve(graph, 'pixel_values', { channels: 3, filters: 32, kernel: 3, stride: 2 }));
  let channels = 32;
  for (const [expansion, filters, blocks, firstStride] of stages) {
    for (let block = 0; block < blocks; block++) {
      const stride = block === 0 ? firstStride : 1;
      const y = invertedResidual(graph, relu6, x, { expansion, channels, filters, stride });
      x = stride === 1 && channels === filters ? graph.add('Add', [x, y]) : y;
      channels = filters;
    }
  }
  x = relu6(convolve(graph, x, { channels, filters: 1280 }));
  const features = graph.add('Flatten', [graph.add('GlobalAveragePool', [x])]);
  const logits = graph.add('Gemm', [features, graph.weights([1280, 1000], 1280), graph.weights([1000], 1000)]);
  return graph.build(
    [{ name: 'pixel_values', datatype: 'FP32', shape: [-1, 3, 224, 224] }],
    { name: 'logits', datatype: 'FP32', shape: [-1, 1000] },
    logits,
  );
}

function clip({ add, constant }: GraphBuilder): (x: string) => string {
  const bounds = [constant([], new Float32Array([0])), constant([], new Float32Array([6]))];
  return (x) => add('Clip', [x, ...bounds]);
}

function convolve({ add, weights }: GraphBuilder, x: string, convolution: Convolution): string {
  const { channels, filters, kernel = 1, stride = 1, depthwise = false } = convolution;
  const inputs = depthwise ? 1 : channels;
  const pad = (kernel - 1) / 2;
  const parameters = [weights([filters, inputs, kernel, kernel], (inputs * kernel ** 2) / 2), weights([filters], 1000)];
  return add('Conv', [x, ...parameters], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    group: depthwise ? channels : 1,
  });
}

function invertedResidual(
  graph: GraphBuilder,
  relu6: (x: string) => string,
  x: string,
  block: { expansion: number; channels: number; filters: number; stride: number },
): string {
  const { expansion, channels, filters, stride } = block;
  const wide = channels * expansion;
  const expanded = expansion === 1 ? x : relu6(convolve(graph, x, { channels, filters: wide }));
  const depthwise = { channels: wide, filters: wide, kernel: 3, stride, depthwise: true };
  const filtered = relu6(convolve(graph, expanded, depthwise));
  return convolve(graph, filtered, { channels: wide, filters });
}
