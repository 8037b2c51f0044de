import type { Tensor } from '../inference/protocol.ts';
import { decodeBytes } from '../inference/tensor.ts';

const stringType = 8;

/**
 * The graph with the values of some of its BYTES inputs in it, as initializers of the inputs' names: a session of it is
 * run without these inputs. They are appended, since protobuf merges a message that comes twice.
 * Source: onnx.proto3 (ModelProto.graph, GraphProto.initializer, TensorProto); ONNX's IR.md on inputs that have initializers.
 */
export function initializeInputs(graph: Uint8Array, inputs: readonly Tensor[]): Uint8Array {
  return Buffer.concat([graph, ...inputs.map((input) => field(7, field(5, tensorProto(input))))]);
}

function tensorProto({ name, shape, data }: Tensor): Buffer {
  return Buffer.concat([
    ...shape.map((size) => varints(1 << 3, size)),
    varints(2 << 3, stringType),
    ...decodeBytes(data).map((element) => field(6, element)),
    field(8, Buffer.from(name)),
  ]);
}

/** A length-delimited field. */
function field(number: number, value: Uint8Array): Buffer {
  return Buffer.concat([varints((number << 3) | 2, value.length), value]);
}

function varints(...values: number[]): Buffer {
  const bytes: number[] = [];
  for (let value of values) {
    for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
    bytes.push(value);
  }
  return Buffer.from(bytes);
}
