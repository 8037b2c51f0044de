import { Busboy } from '@fastify/busboy';
import { ServiceError } from '../errors.ts';
import { FormFile } from './form-file.ts';

const maxFields = 50;
const maxFieldBytes = 100_000;
/** What the parser gets at a time: what a limit forbids is not read to its end. */
const pieceBytes = 65_536;

/** The parts of a form with one file at most. Throws payload_too_large for a limit, invalid_request for a broken body. */
export async function parseMultipart(contentType: string, body: Buffer): Promise<Record<string, unknown>> {
  const fields: Record<string, unknown> = Object.create(null);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const tooMuch = (what: string) => () => reject(new ServiceError('payload_too_large', `the form has ${what}`));
  const broken = (cause: unknown) => {
    const message = 'the body is not the multipart/form-data that its content-type says';
    reject(new ServiceError('invalid_request', message, { cause }));
  };
  try {
    const form = new Busboy({
      headers: { 'content-type': contentType },
      limits: { fields: maxFields, fieldSize: maxFieldBytes, fieldNameSize: 200, files: 1, headerPairs: 50 },
    });
    form.on('field', (name, value, nameCut, valueCut) => {
      if (nameCut || valueCut) tooMuch(`a field of more than ${maxFieldBytes} bytes`)();
      else put(fields, name, value);
    });
    form.on('file', (name, stream, filename, _encoding, mediaType) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', broken);
      stream.on('end', () => {
        put(fields, name, new FormFile(filename ?? name, mediaType, new Uint8Array(Buffer.concat(chunks))));
      });
    });
    form.on('fieldsLimit', tooMuch(`more than ${maxFields} fields`)).on('filesLimit', tooMuch('more than one file'));
    form.on('error', broken).on('finish', resolve);
    for (let at = 0; at < body.length; at += pieceBytes) form.write(body.subarray(at, at + pieceBytes));
    form.end();
  } catch (error) {
    broken(error);
  }
  await promise;
  return { ...fields };
}

/** `a`, `a[]` or `a[b]`: as OpenAI's clients flatten lists and objects. */
function put(fields: Record<string, unknown>, name: string, value: unknown): void {
  const [, base = name, key] = /^([^[\]]+)\[([^[\]]*)\]$/.exec(name) ?? [];
  if (key === undefined) fields[base] = value;
  else if (key === '') fields[base] = [fields[base] ?? [], value].flat();
  else fields[base] = { ...(fields[base] as object | undefined), [key]: value };
}
