import type { Datatype } from '../functions/inference/protocol.ts';

/** Writes ONNX models for tests: the few protobuf fields of onnx.proto3 that a small graph needs. */

/** TensorProto.DataType of each datatype. */
const elementTypes: Record<Datatype, number> = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BYTES: 8,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
  BF16: 16,
};

/** `shape`: -1 is a dimension of any size. `kind: 'sequence'` makes it a sequence of such tensors. */
export interface OnnxValue {
  name: string;
  datatype: Datatype;
  shape: readonly number[];
  kind?: 'sequence';
}

/** Little-endian bytes; `{ path }`: they lie in that external data file instead. */
export interface OnnxInitializer extends OnnxValue {
  data: ArrayBufferView | { path: string; length: number };
}

/** A number or a list of numbers is an INT; floats, tensors and subgraphs say what they are. */
type OnnxAttribute =
  | number
  | number[]
  | string
  | { float: number }
  | { tensor: OnnxInitializer }
  | { graph: OnnxGraph };

export interface OnnxNode {
  op: string;
  inputs: string[];
  outputs: string[];
  attributes?: Record<string, OnnxAttribute>;
}

export interface OnnxGraph {
  nodes: OnnxNode[];
  inputs: OnnxValue[];
  outputs: OnnxValue[];
  initializers?: OnnxInitializer[];
}

/** A ModelProto of opset 17. */
export function onnxModel(graph: OnnxGraph): Uint8Array {
  return Buffer.concat([
    field(1, 8),
    field(7, graphProto(graph)),
    field(8, Buffer.concat([field(1, ''), field(2, 17)])),
  ]);
}

/** Adds 1 to x, `[-1, width]`: a batch dimension and a row. */
export function addOneModel(width = 3): Uint8Array {
  return onnxModel({
    nodes: [{ op: 'Add', inputs: ['x', 'one'], outputs: ['y'] }],
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, width] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, width] }],
    initializers: [{ name: 'one', datatype: 'FP32', shape: [], data: new Float32Array([1]) }],
  });
}

/** Looks x, `[-1, 1]` INT64, up in a table of 3 rows, and fails at run time where an index is out of range. */
export function gatherModel(): Uint8Array {
  return onnxModel({
    nodes: [{ op: 'Gather', inputs: ['table', 'x'], outputs: ['y'], attributes: { axis: 0 } }],
    inputs: [{ name: 'x', datatype: 'INT64', shape: [-1, 1] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
    initializers: [{ name: 'table', datatype: 'FP32', shape: [3], data: new Float32Array([10, 20, 30]) }],
  });
}

/** Adds 1 to x, `[1]` FP32, n times (`[]` INT64): with 2^62 it never ends. With `steps`, these times to `[-1]`. */
export function loopModel(steps?: bigint): Uint8Array {
  const rows = steps === undefined ? 1 : -1;
  const n = { name: 'n', datatype: 'INT64', shape: [] } as const;
  const body: OnnxGraph = {
    nodes: [
      { op: 'Add', inputs: ['x_in', 'one'], outputs: ['x_out'] },
      { op: 'Identity', inputs: ['go_in'], outputs: ['go_out'] },
    ],
    inputs: [
      { name: 'i', datatype: 'INT64', shape: [] },
      { name: 'go_in', datatype: 'BOOL', shape: [] },
      { name: 'x_in', datatype: 'FP32', shape: [rows] },
    ],
    outputs: [
      { name: 'go_out', datatype: 'BOOL', shape: [] },
      { name: 'x_out', datatype: 'FP32', shape: [rows] },
    ],
    initializers: [{ name: 'one', datatype: 'FP32', shape: [1], data: new Float32Array([1]) }],
  };
  return onnxModel({
    nodes: [{ op: 'Loop', inputs: ['n', '', 'x'], outputs: ['y'], attributes: { body: { graph: body } } }],
    inputs: [{ name: 'x', datatype: 'FP32', shape: [rows] }, ...(steps === undefined ? [n] : [])],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [rows] }],
    initializers: steps === undefined ? [] : [{ ...n, data: new BigInt64Array([steps]) }],
  });
}

function graphProto({ nodes, inputs, outputs, initializers = [] }: OnnxGraph): Buffer {
  return Buffer.concat([
    ...nodes.map((node) => field(1, nodeProto(node))),
    field(2, 'graph'),
    ...initializers.map((initializer) => field(5, tensorProto(initializer))),
    ...inputs.map((input) => field(11, valueInfoProto(input))),
    ...outputs.map((output) => field(12, valueInfoProto(output))),
  ]);
}

function nodeProto({ op, inputs, outputs, attributes = {} }: OnnxNode): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => field(1, name)),
    ...outputs.map((name) => field(2, name)),
    field(4, op),
    ...Object.entries(attributes).map(([name, value]) => field(5, attributeProto(name, value))),
  ]);
}

function attributeProto(name: string, value: OnnxAttribute): Buffer {
  const named = (type: number, ...fields: Buffer[]) => Buffer.concat([field(1, name), ...fields, field(20, type)]);
  if (typeof value === 'number') return named(2, field(3, value));
  if (typeof value === 'string') return named(3, field(4, value));
  if (Array.isArray(value)) return named(7, ...value.map((element) => field(8, element)));
  if ('float' in value) return named(1, Buffer.of((2 << 3) | 5), Buffer.from(new Float32Array([value.float]).buffer));
  if ('tensor' in value) return named(4, field(5, tensorProto(value.tensor)));
  return named(5, field(6, graphProto(value.graph)));
}

function tensorProto({ name, datatype, shape, data }: OnnxInitializer): Buffer {
  const entry = (key: string, value: string) => field(13, Buffer.concat([field(1, key), field(2, value)]));
  const external = (file: { path: string; length: number }) =>
    Buffer.concat([entry('location', file.path), entry('length', String(file.length)), field(14, 1)]);
  return Buffer.concat([
    ...shape.map((dimension) => field(1, dimension)),
    field(2, elementTypes[datatype]),
    field(8, name),
    ArrayBuffer.isView(data) ? field(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) : external(data),
  ]);
}

function valueInfoProto({ name, datatype, shape, kind }: OnnxValue): Buffer {
  // Each open dimension has a name of its own: those of one name are taken to be equal.
  const dimensions = shape.map((size, index) => field(1, size < 0 ? field(2, `${name}_${index}`) : field(1, size)));
  const tensor = field(1, Buffer.concat([field(1, elementTypes[datatype]), field(2, Buffer.concat(dimensions))]));
  return Buffer.concat([field(1, name), field(2, kind === 'sequence' ? field(4, field(1, tensor)) : tensor)]);
}

/** A number becomes a varint, everything else a length-delimited field. */
function field(number: number, value: number | string | Uint8Array): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number << 3), varint(value)]);
  const bytes = Buffer.from(value as string);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}
