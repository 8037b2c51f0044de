import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Datatype, InferRequest, Tensor, TensorMetadata } from '../inference/protocol.ts';
import { createBytesTensor, createElements, createTensor, type NumericDatatype } from '../inference/tensor.ts';
import { parseCsv } from '../media/csv.ts';
import type { Model } from '../registry/model-manifest.ts';
import { checkShape } from './model-input.ts';
import { type CategoricalColumn, type Column, type NumericColumn, readTable } from './table-columns.ts';

const mostRows = 10_000;
/** Rows of one run where the model sets no limit. */
const rowsOfRun = 4096;

const form = `a list of 1 to ${mostRows} rows [{ column: value }], columns { data: { column: [value] } }, or CSV text is needed`;
const value = z.union(
  [z.string(), z.number(), z.boolean(), z.null()],
  'a text, a number, true, false or null is needed',
);
const rowsSchema = z.array(z.record(z.string(), value), form).min(1, form).max(mostRows, form);
const columnsSchema = z
  .strictObject({ data: z.record(z.string(), z.array(value)) }, form)
  .transform(({ data }, context) => {
    const lengths = new Set(Object.values(data).map((column) => column.length));
    const [count = 0] = lengths;
    if (lengths.size !== 1 || count < 1 || count > mostRows) {
      context.addIssue({ code: 'custom', message: `columns of one length, from 1 to ${mostRows}, are needed` });
      return z.NEVER;
    }
    const rows = Array.from({ length: count }, (_, at) =>
      Object.fromEntries(Object.entries(data).map(([name, column]) => [name, column[at]!])),
    );
    return { rows, asColumns: true };
  });

type Value = z.infer<typeof value>;
type Row = Readonly<Record<string, Value>>;

/** Rows, and whether they were given as Hugging Face's client gives them, which reads numbers alone. */
export const tableInput = z.union(
  [
    z.string(form).transform((text) => ({ rows: parseCsv(text) as Row[], asColumns: false })),
    rowsSchema.transform((rows) => ({ rows: rows as Row[], asColumns: false })),
    columnsSchema,
  ],
  form,
);

/** What pandas' read_csv takes for a missing value. */
const missingTexts = new Set(
  ['', '#N/A', '#N/A N/A', '#NA', '-1.#IND', '-1.#QNAN', '-NaN', '-nan', '1.#IND', '1.#QNAN'].concat([
    '<NA>',
    'N/A',
    'NA',
    'NULL',
    'NaN',
    'None',
    'n/a',
    'nan',
    'null',
  ]),
);

/** Rows → the requests for as many runs as the model needs. Throws invalid_request that says which row and column. */
export function* tableRequests(rows: readonly Row[], model: Model): Generator<InferRequest> {
  if (rows.length === 0 || rows.length > mostRows) {
    throw new ServiceError('invalid_request', `inputs has ${rows.length} rows; 1 to ${mostRows} are allowed`);
  }
  checkColumns(rows, model);
  const first = model.inputs[0]?.shape[0] ?? -1;
  const most = model.manifest.maxBatchSize || (first > 0 ? first : rowsOfRun);
  for (let at = 0; at < rows.length; at += most) {
    const part = rows.slice(at, at + most);
    yield { inputs: model.inputs.map((input) => toTensor(input, part, at, model)) };
  }
}

/** A name that no row has is a slip of the pen rather than a missing value. */
function checkColumns(rows: readonly Row[], model: Model): void {
  const { columns } = readTable(model);
  const absent = columns.filter(({ name }) => !rows.some((row) => Object.hasOwn(row, name))).map(({ name }) => name);
  if (absent.length === 0) return;
  const known = columns.map(({ name }) => name).join(', ');
  throw new ServiceError(
    'invalid_request',
    `inputs has no column '${absent.join("', '")}'; the model takes ${known} (null is a missing value)`,
  );
}

function toTensor(input: TensorMetadata, rows: readonly Row[], firstRow: number, model: Model): Tensor {
  const columns = readTable(model).columns.filter((column) => inputOf(column, model) === input.name);
  if (columns.length === 0) return fail(model, `names no column for the graph's input ${input.name}`);
  const texts = input.datatype === 'BYTES';
  const wrong = columns.find(({ kind }) => (kind === 'text') !== texts);
  if (wrong)
    return fail(
      model,
      `has the ${wrong.kind} column ${wrong.name} for the input ${input.name}, which is ${input.datatype}`,
    );
  const place = (at: number, name: string) => `row ${firstRow + at}, column '${name}' of inputs`;
  if (texts) {
    const values = rows.flatMap((row, at) => columns.map((column) => readText(row, column, place(at, column.name))));
    return checkShape(createBytesTensor(input.name, shapeOf(input, rows.length, columns.length), values), input, model);
  }
  const values = rows.flatMap((row, at) => columns.flatMap((column) => encode(row, column, place(at, column.name))));
  const encoder = encoders[input.datatype];
  if (!encoder)
    return fail(
      model,
      `has columns for ${input.name}, which is ${input.datatype}; ${Object.keys(encoders)} can be made`,
    );
  const elements = createElements(input.datatype as NumericDatatype, values.length);
  values.forEach((number, at) => {
    elements[at] = encoder(number);
  });
  const shape = shapeOf(input, rows.length, values.length / rows.length);
  return checkShape(createTensor(input.name, input.datatype as NumericDatatype, shape, elements), input, model);
}

const encoders: Partial<Record<Datatype, (value: number) => number | bigint>> = {
  FP32: (number) => number,
  FP64: (number) => number,
  INT32: Math.round,
  INT64: (number) => BigInt(Math.round(number)),
};

/** A graph may take a single column as [rows]. */
function shapeOf(input: TensorMetadata, rows: number, width: number): number[] {
  return input.shape.length === 1 && width === 1 ? [rows] : [rows, width];
}

function inputOf(column: Column, { inputs }: Model): string | undefined {
  if (column.input) return column.input;
  return inputs.some(({ name }) => name === column.name)
    ? column.name
    : inputs.length === 1
      ? inputs[0]!.name
      : undefined;
}

function encode(row: Row, column: Column, place: string): number[] {
  if (column.kind === 'numeric') return [readNumber(row[column.name], column, place)];
  if (column.kind === 'categorical') return readCategory(row[column.name], column, place);
  return [];
}

function readNumber(given: Value | undefined, { mean, std, missing, name }: NumericColumn, place: string): number {
  if (isMissing(given)) {
    if (missing === 'nan') return Number.NaN;
    if (missing !== undefined) return (missing - mean) / std;
    throw new ServiceError('invalid_request', `${place} is missing; the model needs a number for ${name}`);
  }
  const number = typeof given === 'string' ? Number(given.trim()) : Number(given);
  if (Number.isFinite(number)) return (number - mean) / std;
  throw new ServiceError('invalid_request', `${place} is ${JSON.stringify(given).slice(0, 40)}; a number is needed`);
}

function readCategory(given: Value | undefined, column: CategoricalColumn, place: string): number[] {
  const { categories, encoding, missing, handle_unknown } = column;
  const written = given == null ? undefined : String(given);
  // A category may be called NA.
  const known = written !== undefined && categories.includes(written);
  const found = categories.indexOf((known || !isMissing(given) ? written : missing) ?? '');
  if (found < 0 && handle_unknown === 'error') {
    const some = categories.slice(0, 10).join(', ') + (categories.length > 10 ? ', …' : '');
    const what = isMissing(given) ? 'missing' : JSON.stringify(given).slice(0, 40);
    throw new ServiceError('invalid_request', `${place} is ${what}; one of ${some} is needed`);
  }
  if (encoding === 'ordinal') return [found];
  return categories.map((_, at) => (at === found ? 1 : 0));
}

function readText(row: Row, column: Column, place: string): string {
  const given = row[column.name];
  if (given != null && given !== '') return String(given);
  if (column.kind === 'text' && column.missing !== undefined) return column.missing;
  throw new ServiceError('invalid_request', `${place} is missing; a text is needed`);
}

/** Whether a row's value is what tables write for none. */
export function isMissing(given: Value | undefined): boolean {
  return given == null || (typeof given === 'string' && missingTexts.has(given.trim()));
}

function fail(model: Model, reason: string): never {
  throw new ServiceError('model_failed', `the preprocessing of model ${model.manifest.name} ${reason}`);
}
