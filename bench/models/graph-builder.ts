import { type OnnxInitializer, type OnnxNode, type OnnxValue, onnxModel } from '../../test/onnx-model.ts';
import { random } from '../random.ts';

export interface GraphBuilder {
  /** A node with one output, whose name is the answer. */
  add(op: string, inputs: string[], attributes?: OnnxNode['attributes']): string;
  /** Generated FP32 weights whose variance keeps that of what is multiplied with `fanIn` of them. */
  weights(shape: number[], fanIn: number): string;
  constant(shape: number[], data: Float32Array | BigInt64Array): string;
  /** The model, whose output is `from`. */
  build(inputs: OnnxValue[], output: OnnxValue, from: string): Uint8Array;
}

export function graphBuilder(seed: number): GraphBuilder {
  const next = random(seed);
  const nodes: OnnxNode[] = [];
  const initializers: OnnxInitializer[] = [];
  const constant: GraphBuilder['constant'] = (shape, data) => {
    const name = `constant_${initializers.length}`;
    initializers.push({ name, datatype: data instanceof Float32Array ? 'FP32' : 'INT64', shape, data });
    return name;
  };
  return {
    add(op, inputs, attributes = {}) {
      const output = `value_${nodes.length}`;
      nodes.push({ op, inputs, outputs: [output], attributes });
      return output;
    },
    weights(shape, fanIn) {
      const data = new Float32Array(shape.reduce((product, length) => product * length, 1));
      const scale = 2 * Math.sqrt(3 / fanIn);
      for (let index = 0; index < data.length; index++) data[index] = (next() - 0.5) * scale;
      return constant(shape, data);
    },
    constant,
    build(inputs, output, from) {
      const last = { op: 'Identity', inputs: [from], outputs: [output.name] };
      return onnxModel({ nodes: [...nodes, last], inputs, outputs: [output], initializers });
    },
  };
}
