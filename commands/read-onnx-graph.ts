/** An input or output of a graph. A dimension is a size, or the name of one that varies ('' where it has none). */
export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

export interface OnnxGraph {
  /** Without those that are weights: up to IR version 3 these are among the inputs. */
  readonly inputs: readonly OnnxTensor[];
  readonly outputs: readonly OnnxTensor[];
}

interface Field {
  readonly number: number;
  readonly value: number | Uint8Array;
}

/**
 * The inputs and outputs of an ONNX file, read from its bytes without loading the model.
 * Throws an Error where the bytes are no ONNX graph. Source: onnx/onnx.proto3, ModelProto, GraphProto, ValueInfoProto.
 */
export function readOnnxGraph(file: Uint8Array): OnnxGraph {
  try {
    const graph = message(readFields(file), 7);
    const weights = new Set(messages(graph, 5).map((tensor) => text(tensor, 8)));
    const inputs = messages(graph, 11).map(readTensor);
    return { inputs: inputs.filter(({ name }) => !weights.has(name)), outputs: messages(graph, 12).map(readTensor) };
  } catch (cause) {
    throw new Error('it is no ONNX graph', { cause });
  }
}

function readTensor(fields: Field[]): OnnxTensor {
  const name = text(fields, 1);
  const type = messages(messages(fields, 2)[0] ?? [], 1)[0] ?? [];
  const dimensions = messages(messages(type, 2)[0] ?? [], 1);
  const shape = dimensions.map((dimension) => {
    const size = dimension.find(({ number }) => number === 1)?.value;
    return typeof size === 'number' ? size : text(dimension, 2);
  });
  return { name, shape };
}

function message(fields: Field[], number: number): Field[] {
  const [found] = messages(fields, number);
  if (!found) throw new Error(`field ${number} is missing`);
  return found;
}

function messages(fields: Field[], number: number): Field[][] {
  return fields.flatMap((field) =>
    field.number === number && field.value instanceof Uint8Array ? [readFields(field.value)] : [],
  );
}

function text(fields: Field[], number: number): string {
  const value = fields.find((field) => field.number === number)?.value;
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : '';
}

/** Source: https://protobuf.dev/programming-guides/encoding/ */
function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('it ends within a number');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => {
    if (at + length > bytes.length) throw new Error('it ends within a field');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const kind = key % 8;
    if (![0, 1, 2, 5].includes(kind)) throw new Error(`there is no wire type ${kind}`);
    const value = kind === 0 ? varint() : take(kind === 1 ? 8 : kind === 5 ? 4 : varint());
    fields.push({ number: Math.floor(key / 8), value });
  }
  return fields;
}
