import { isUtf8 } from 'node:buffer';
import { ServiceError } from '../errors.ts';
import { countFields, parseValue } from './parse-value.ts';
import { type Datatype, datatypeSizes, type InferRequest, type InferResponse, type Tensor } from './protocol.ts';
import {
  checkKnown,
  type Fields,
  isRecord,
  readDeclaration,
  readIdentity,
  readParameters,
  readRequestedOutputs,
  readString,
  within,
} from './read-fields.ts';
import { scanElements } from './scan-elements.ts';
import { scanArray, scanObject, show, skipValue, skipWhitespace } from './scan-json.ts';
import { countBytesElements } from './tensor.ts';

const tensorFields = ['name', 'shape', 'datatype', 'parameters', 'data'];
/** `model_name` and `model_version` stand in the body of Triton's own examples; the path names the model. */
const requestFields = ['id', 'parameters', 'inputs', 'outputs', 'model_name', 'model_version'];

/** Most bytes of JSON that are parsed before they are looked at: objects take a hundred times their text. */
const maxParsedBytes = 2 ** 20;

/** A JSON object and the binary data after it, whose part in use so far ends at `used`. */
interface Message {
  readonly json: Uint8Array;
  readonly binary: Uint8Array;
  used: number;
}

/**
 * Reads an infer request from its JSON object and the binary data that followed it. Tensors in binary are views.
 * Throws invalid_request for everything that is not the protocol, unknown fields included.
 */
export function parseInferRequest(json: Uint8Array, binary: Uint8Array): InferRequest {
  const { tensors, fields } = parseMessage(json, binary, 'inputs', requestFields);
  return {
    ...readIdentity(fields),
    inputs: tensors,
    ...(asksForAll(fields.outputs) ? {} : { outputs: readRequestedOutputs(fields.outputs) }),
  };
}

/** An empty list is as good as none, as with Triton. */
function asksForAll(outputs: unknown): boolean {
  return outputs == null || (Array.isArray(outputs) && outputs.length === 0);
}

/** Reads a model host's answer. Throws invalid_request, as for a request; fields unknown to the protocol are ignored. */
export function parseInferResponse(json: Uint8Array, binary: Uint8Array): InferResponse {
  const { tensors, fields } = parseMessage(json, binary, 'outputs');
  return {
    model_name: readString(fields.model_name ?? '', 'model_name'),
    model_version: readString(fields.model_version ?? '', 'model_version'),
    ...readIdentity(fields),
    outputs: tensors,
  };
}

function parseMessage(json: Uint8Array, binary: Uint8Array, list: 'inputs' | 'outputs', known?: readonly string[]) {
  if (!isUtf8(json)) throw new ServiceError('invalid_request', 'the JSON of the body is not UTF-8');
  const message: Message = { json, binary, used: 0 };
  const header = binary.length > 0 ? parseHeader(json) : undefined;
  const { tensors, fields } = header ? readHeader(message, header, list, known) : scanMessage(message, list, known);
  if (!tensors) throw new ServiceError('invalid_request', `the field "${list}" is missing`);
  if (message.used !== binary.length) {
    throw new ServiceError(
      'invalid_request',
      `the body has ${binary.length} bytes after its JSON; the sum of binary_data_size is ${message.used}`,
    );
  }
  return { tensors, fields };
}

/**
 * The JSON before binary data, where it holds no numbers whose digits have to be kept: parsed at a fifth of a scan's
 * cost. Undefined: it has to be scanned, if only to say what is wrong with it.
 */
function parseHeader(json: Uint8Array): Fields | undefined {
  if (json.length > maxParsedBytes) return undefined;
  const bytes = json instanceof Buffer ? json : Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  const text = bytes.toString('utf8');
  // An escape could hide the field's name.
  if (text.includes('"data"') || text.includes('\\')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    // JSON.parse takes any depth, and of a field that is given twice the second value.
    return isRecord(value) && countFields(value) === countNames(text) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Names of fields in JSON without escapes, but for those that stand apart from their colon. */
function countNames(text: string): number {
  let count = 0;
  for (let at = text.indexOf('":'); at >= 0; at = text.indexOf('":', at + 2)) count++;
  return count;
}

function readHeader(message: Message, header: Fields, list: string, known?: readonly string[]) {
  if (known) for (const key of Object.keys(header)) checkKnown(key, known, 'the request');
  const { [list]: described, ...fields } = header;
  if (described === undefined) return { tensors: undefined, fields };
  if (!Array.isArray(described)) {
    throw new ServiceError('invalid_request', `${list} is ${show(described)}; an array is allowed`);
  }
  const names = new Set<string>();
  const tensors = described.map((value: unknown, index) => {
    const label = `${list}[${index}]`;
    if (!isRecord(value)) throw new ServiceError('invalid_request', `${label} is ${show(value)}; an object is allowed`);
    if (known) for (const key of Object.keys(value)) checkKnown(key, tensorFields, label);
    return checkName(completeTensor(message, value, undefined, label), names, label);
  });
  return { tensors, fields };
}

function scanMessage(message: Message, list: string, known?: readonly string[]) {
  const { json } = message;
  const fields: Fields = Object.create(null);
  let tensors: Tensor[] | undefined;
  let end = scanObject(json, skipWhitespace(json, 0), (key, at) => {
    if (known) checkKnown(key, known, 'the request');
    if (key !== list) return parseField(json, at, key, fields);
    const scanned = scanTensors(message, at, list, known !== undefined);
    tensors = scanned.tensors;
    return scanned.end;
  });
  end = skipWhitespace(json, end);
  if (end < json.length)
    throw new ServiceError('invalid_request', `the JSON object ends at byte ${end} of ${json.length}`);
  return { tensors, fields };
}

function parseField(json: Uint8Array, at: number, key: string, fields: Fields): number {
  const { value, end } = parseValue(json, at);
  fields[key] = value;
  return end;
}

function scanTensors(message: Message, at: number, list: string, strict: boolean) {
  const tensors: Tensor[] = [];
  const names = new Set<string>();
  const end = scanArray(message.json, at, (position) => {
    const label = `${list}[${tensors.length}]`;
    const scanned = scanTensor(message, position, label, strict);
    tensors.push(checkName(scanned.tensor, names, label));
    return scanned.end;
  });
  return { tensors, end };
}

function checkName(tensor: Tensor, names: Set<string>, label: string): Tensor {
  if (names.has(tensor.name)) {
    throw new ServiceError('invalid_request', `${label}: the name ${show(tensor.name)} is given twice`);
  }
  names.add(tensor.name);
  return tensor;
}

function scanTensor(message: Message, at: number, label: string, strict: boolean): { tensor: Tensor; end: number } {
  const { json } = message;
  const fields: Fields = Object.create(null);
  let dataAt: number | undefined;
  let data: Uint8Array | undefined;
  const end = scanObject(json, at, (key, position) => {
    if (strict) checkKnown(key, tensorFields, label);
    if (key !== 'data') return parseField(json, position, key, fields);
    dataAt = position;
    // With datatype and shape known already, as most clients send them, one pass over the digits is enough.
    if (fields.datatype === undefined || fields.shape === undefined) return skipValue(json, position);
    const elements = readElements(json, position, fields, label);
    data = elements.data;
    return elements.end;
  });
  if (dataAt !== undefined) data ??= readElements(json, dataAt, fields, label).data;
  return { tensor: completeTensor(message, fields, data, label), end };
}

/** A tensor of its fields; `data`: what its own field of that name held. */
function completeTensor(message: Message, fields: Fields, data: Uint8Array | undefined, label: string): Tensor {
  const name = readString(fields.name, `${label}.name`);
  const { datatype, shape, count } = readDeclaration(fields, label);
  const { binary_data_size: size, ...parameters } = readParameters(fields.parameters, `${label}.parameters`);
  if (data && size !== undefined) {
    throw new ServiceError(
      'invalid_request',
      `${label} has both data and the parameter binary_data_size; one is allowed`,
    );
  }
  const bytes = data ?? takeBinary(message, { datatype, count, size, label });
  const rest = Object.keys(parameters).length > 0 ? { parameters } : {};
  return { name, datatype, shape, data: bytes, ...rest };
}

function readElements(json: Uint8Array, at: number, fields: Fields, label: string) {
  const { datatype, shape, count } = readDeclaration(fields, label);
  const elements = within(label, () => scanElements(json, at, datatype, count));
  if (elements.count !== count) {
    throw new ServiceError(
      'invalid_request',
      `${label}: data has ${elements.count} elements; shape [${shape}] takes ${count}`,
    );
  }
  return elements;
}

function takeBinary(
  message: Message,
  { datatype, count, size, label }: { datatype: Datatype; count: number; size: unknown; label: string },
): Uint8Array {
  if (size === undefined) {
    throw new ServiceError(
      'invalid_request',
      `${label} has no data; give the field data, or the parameter binary_data_size and the bytes after the JSON`,
    );
  }
  const left = message.binary.length - message.used;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || size > left) {
    throw new ServiceError(
      'invalid_request',
      `${label}: binary_data_size is ${show(size)}; the body has ${left} bytes left`,
    );
  }
  const data = message.binary.subarray(message.used, message.used + size);
  message.used += size;
  within(label, () => checkBinary(data, datatype, count));
  return data;
}

/** Throws invalid_request unless `data` holds `count` elements of `datatype` in binary form. */
export function checkBinary(data: Uint8Array, datatype: Datatype, count: number): void {
  const size = datatypeSizes[datatype];
  const given = datatype === 'BYTES' ? countBytesElements(data) : data.length / size;
  if (given !== count) {
    const takes = datatype === 'BYTES' ? `${count} elements` : `${count * size} bytes`;
    const has = datatype === 'BYTES' ? `${given}` : `${data.length}`;
    throw new ServiceError('invalid_request', `the binary data has ${has}; ${datatype} of this shape takes ${takes}`);
  }
  if (datatype === 'BOOL' && data.some((byte) => byte > 1)) {
    throw new ServiceError('invalid_request', 'the binary data of BOOL has bytes other than 0 and 1');
  }
}
