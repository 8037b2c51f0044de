import { ServiceError } from '../errors.ts';
import { type Datatype, datatypeSizes, type Parameters, type RequestedOutput } from './protocol.ts';
import { show } from './scan-json.ts';
import { countElements } from './tensor.ts';

/** The fields of a JSON object, not yet checked. */
export type Fields = Record<string, unknown>;

/** Throws invalid_request with what is known, where `key` is not. */
export function checkKnown(key: string, known: readonly string[], owner: string): void {
  if (known.includes(key)) return;
  throw new ServiceError(
    'invalid_request',
    `${owner} has the unknown field ${show(key)}; known are ${known.join(', ')}`,
  );
}

/** Puts `label`, the place in the request, before the message of what `read` throws. */
export function within<T>(label: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ServiceError)
      throw new ServiceError(error.code, `${label}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Datatype and shape of a tensor, and how many elements they mean. */
export function readDeclaration(fields: Fields, label: string) {
  const { datatype, shape } = fields;
  if (typeof datatype !== 'string' || !Object.hasOwn(datatypeSizes, datatype)) {
    const known = Object.keys(datatypeSizes).join(', ');
    throw new ServiceError('invalid_request', `${label}.datatype is ${show(datatype)}; known are ${known}`);
  }
  if (!Array.isArray(shape)) {
    throw new ServiceError('invalid_request', `${label}.shape is ${show(shape)}; an array of whole numbers is allowed`);
  }
  const count = within(label, () => countElements(shape, datatype as Datatype));
  return { datatype: datatype as Datatype, shape: shape as number[], count };
}

/** The fields `id` and `parameters`; null counts as absent. */
export function readIdentity(fields: Fields): { id?: string; parameters?: Parameters } {
  return {
    ...(fields.id == null ? {} : { id: readString(fields.id, 'id') }),
    ...(fields.parameters == null ? {} : { parameters: readParameters(fields.parameters, 'parameters') }),
  };
}

/** The field `outputs` of a request: names, each once. */
export function readRequestedOutputs(value: unknown): RequestedOutput[] {
  if (!Array.isArray(value))
    throw new ServiceError('invalid_request', `outputs is ${show(value)}; an array is allowed`);
  const names = new Set<string>();
  return value.map((output: unknown, index) => {
    const label = `outputs[${index}]`;
    if (!isRecord(output))
      throw new ServiceError('invalid_request', `${label} is ${show(output)}; an object is allowed`);
    for (const key of Object.keys(output)) checkKnown(key, ['name', 'parameters'], label);
    const name = readString(output.name, `${label}.name`);
    if (names.has(name)) throw new ServiceError('invalid_request', `${label}: the name ${show(name)} is given twice`);
    names.add(name);
    if (output.parameters == null) return { name };
    return { name, parameters: readParameters(output.parameters, `${label}.parameters`) };
  });
}

export function readString(value: unknown, label: string): string {
  if (typeof value === 'string') return value;
  throw new ServiceError('invalid_request', `${label} is ${show(value)}; a string is allowed`);
}

/** Scalars by name; null counts as none. */
export function readParameters(value: unknown, label: string): Parameters {
  if (value == null) return {};
  if (!isRecord(value)) throw new ServiceError('invalid_request', `${label} is ${show(value)}; an object is allowed`);
  for (const [key, parameter] of Object.entries(value)) {
    // JSON can write 1e400; nothing but null could be made of it for a host.
    if (Number.isFinite(parameter) || ['string', 'boolean'].includes(typeof parameter)) continue;
    throw new ServiceError(
      'invalid_request',
      `${label}.${key.slice(0, 100)} is ${show(parameter)}; a string, a finite number or a boolean is allowed`,
    );
  }
  if (value.shared_memory_region !== undefined) {
    const rule = 'callers and models share no memory; send tensors in binary';
    throw new ServiceError('invalid_request', `${label}.shared_memory_region is not taken: ${rule}`);
  }
  return { ...value } as Parameters;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
