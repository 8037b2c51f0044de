import { type GraphBuilder, graphBuilder } from './graph-builder.ts';

const hidden = 384;
const heads = 12;
const tokens = 128;
const wide = 1536;
const vocabulary = 1000;

/** BERT's encoder in the size of MiniLM-L6: 6 layers, 12 heads, 10.6 M weights besides a short vocabulary. */
export function encoder(): Uint8Array {
  const graph = graphBuilder(3);
  const words = graph.add('Gather', [graph.weights([vocabulary, hidden], 1), 'input_ids']);
  let x = normalize(graph, graph.add('Add', [words, graph.weights([1, tokens, hidden], 1)]));
  const mask = attentionMask(graph);
  for (let layer = 0; layer < 6; layer++) {
    x = normalize(graph, graph.add('Add', [x, attend(graph, x, mask)]));
    const inner = gelu(graph, linear(graph, x, hidden, wide));
    x = normalize(graph, graph.add('Add', [x, linear(graph, inner, wide, hidden)]));
  }
  return graph.build(
    [
      { name: 'input_ids', datatype: 'INT64', shape: [-1, tokens] },
      { name: 'attention_mask', datatype: 'INT64', shape: [-1, tokens] },
    ],
    { name: 'last_hidden_state', datatype: 'FP32', shape: [-1, tokens, hidden] },
    x,
  );
}

function scalar({ constant }: GraphBuilder, value: number): string {
  return constant([], new Float32Array([value]));
}

function linear({ add, weights }: GraphBuilder, x: string, inputs: number, outputs: number): string {
  return add('Add', [add('MatMul', [x, weights([inputs, outputs], inputs)]), weights([outputs], 1000)]);
}

function normalize({ add, constant }: GraphBuilder, x: string): string {
  const scale = constant([hidden], new Float32Array(hidden).fill(1));
  const bias = constant([hidden], new Float32Array(hidden));
  return add('LayerNormalization', [x, scale, bias], { axis: -1, epsilon: { float: 1e-12 } });
}

function gelu(graph: GraphBuilder, x: string): string {
  const { add } = graph;
  const error = add('Erf', [add('Div', [x, scalar(graph, Math.SQRT2)])]);
  return add('Mul', [add('Mul', [x, add('Add', [error, scalar(graph, 1)])]), scalar(graph, 0.5)]);
}

/** 0 where a token is, -10000 where none is, [batch, 1, 1, tokens]. */
function attentionMask(graph: GraphBuilder): string {
  const { add, constant } = graph;
  const axes = constant([2], new BigInt64Array([1n, 2n]));
  const present = add('Unsqueeze', [add('Cast', ['attention_mask'], { to: 1 }), axes]);
  return add('Mul', [add('Sub', [scalar(graph, 1), present]), scalar(graph, -10_000)]);
}

function attend(graph: GraphBuilder, x: string, mask: string): string {
  const { add, constant } = graph;
  const byHead = constant([4], BigInt64Array.of(0n, BigInt(tokens), BigInt(heads), BigInt(hidden / heads)));
  const split = (order: number[]) =>
    add('Transpose', [add('Reshape', [linear(graph, x, hidden, hidden), byHead])], { perm: order });
  const products = add('MatMul', [split([0, 2, 1, 3]), split([0, 2, 3, 1])]);
  const scores = add('Div', [products, scalar(graph, Math.sqrt(hidden / heads))]);
  const attention = add('Softmax', [add('Add', [scores, mask])], { axis: -1 });
  const context = add('Transpose', [add('MatMul', [attention, split([0, 2, 1, 3])])], { perm: [0, 2, 1, 3] });
  const joined = constant([3], BigInt64Array.of(0n, BigInt(tokens), BigInt(hidden)));
  return linear(graph, add('Reshape', [context, joined]), hidden, hidden);
}
