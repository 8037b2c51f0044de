import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { parseInput } from '../http/parse-input.ts';
import { parseExactJson } from '../parse-exact-json.ts';
import { parseJson } from '../parse-json.ts';

/** Why a line is no request, in the words of OpenAI's BatchError. */
export const lineProblemSchema = z.object({
  code: z.string(),
  message: z.string(),
  /** The field; null: the line as a whole. */
  param: z.string().nullable(),
  /** From 1; null: the file as a whole. */
  line: z.int().nullable(),
});

export type LineProblem = z.infer<typeof lineProblemSchema>;

const idForm = 'a text or a number is needed';
export const customId = z.union([z.string(idForm), z.number(idForm)]);

/** Source: https://github.com/openai/openai-openapi, BatchRequestInput. */
const requestLineSchema = z.object({
  // A number of many digits keeps them all.
  custom_id: z.preprocess((id) => (JSON.isRawJSON(id) ? id.rawJSON : id), customId),
  method: z.literal('POST', "'POST' is needed"),
  url: z.string('the path that the others name is needed'),
  body: z.record(z.string(), z.unknown(), 'an object, the body of the request, is needed'),
});

/** A line of a file of requests that is none. */
export class RequestLineError extends ServiceError {
  readonly problem: Pick<LineProblem, 'code' | 'param'>;

  constructor(message: string, problem: RequestLineError['problem'], cause?: unknown) {
    super('invalid_request', message, { cause });
    this.problem = problem;
  }
}

/** A line that asks `endpoint`. Throws RequestLineError. */
export function readRequestLine(bytes: Buffer, endpoint: string): { customId: string; body: Record<string, unknown> } {
  const value = parseJsonLine(bytes, parseExactJson);
  const { custom_id, url, body } = parseFields(value);
  if (url === endpoint) return { customId: String(custom_id), body };
  throw new RequestLineError(`url is '${url.slice(0, 100)}'; this job asks ${endpoint}`, {
    code: 'url_mismatch',
    param: 'url',
  });
}

function parseFields(value: unknown): z.infer<typeof requestLineSchema> {
  try {
    return parseInput(requestLineSchema, value);
  } catch (error) {
    if (!(error instanceof ServiceError && error.cause instanceof z.ZodError)) throw error;
    const [field] = error.cause.issues[0]!.path;
    const param = field === undefined ? null : String(field);
    const isMissing = param !== null && Object(value)[param] === undefined;
    throw new RequestLineError(error.message, {
      code: isMissing ? 'missing_required_parameter' : 'invalid_request',
      param,
    });
  }
}

export function parseJsonLine(bytes: Buffer, parse?: (text: string) => unknown): unknown {
  try {
    return parseJson(bytes, 'the line', parse);
  } catch (cause) {
    throw new RequestLineError((cause as Error).message, { code: 'invalid_json_line', param: null }, cause);
  }
}
