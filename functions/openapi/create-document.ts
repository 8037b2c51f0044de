import * as z from 'zod';
import { type ErrorCode, errorCodes, ServiceError } from '../errors.ts';
import type { ErrorFormat, Route } from '../http/http.ts';
import { renderErrorBody } from '../http/render-error.ts';
import { modelNamePattern, modelVersionPattern } from '../storage/object-keys.ts';
import { version } from '../version.ts';
import { jobDescriptions } from './describe-jobs.ts';
import { modelDescriptions } from './describe-models.ts';
import { openInferenceDescriptions } from './describe-open-inference.ts';
import { openaiDescriptions } from './describe-openai.ts';
import { reportDescriptions } from './describe-reports.ts';
import type { Content, Description, Descriptions } from './description.ts';
import { type JsonSchema, toJsonSchema } from './json-schema.ts';

export const descriptions: Descriptions = {
  ...openInferenceDescriptions,
  ...openaiDescriptions,
  ...jobDescriptions,
  ...reportDescriptions,
  ...modelDescriptions,
};

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters: readonly {
    name: string;
    in: string;
    required: boolean;
    schema: JsonSchema;
    example?: unknown;
  }[];
  readonly requestBody?: { required: boolean; content: Record<string, { schema: JsonSchema }> };
  readonly responses: Record<string, { $ref: string } | { content?: Record<string, { schema: JsonSchema }> }>;
  readonly security: readonly object[];
}

export interface OpenApiDocument {
  readonly openapi: '3.1.1';
  readonly info: { title: string; version: string; description: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, JsonSchema> } & Record<string, object>;
  readonly tags: readonly { name: string; description: string }[];
}

/** OpenAPI 3.1 of these routes: what they take is what their schemas parse. */
export function createDocument(routes: readonly Route[]): OpenApiDocument {
  const schemas: Record<string, JsonSchema> = {};
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: describe(route, schemas) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Lambent',
      version,
      description: 'Models behind HTTPS: tensors, tasks and the APIs of their clients.',
    },
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas,
      responses: Object.fromEntries(formats.flatMap(describeErrors)),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key, as npm run keys -- create makes it.' },
        header: { type: 'apiKey', in: 'header', name: 'x-api-key' },
      },
    },
  };
}

const tags = {
  'Open Inference Protocol': 'Tensors, as KServe and NVIDIA Triton speak it.',
  OpenAI: "What OpenAI's clients call behind the base URL /v1.",
  Models: "Tasks, as Hugging Face's client asks them, and the models themselves.",
};
const tagOf: Record<ErrorFormat, keyof typeof tags> = {
  'open-inference': 'Open Inference Protocol',
  openai: 'OpenAI',
  'hugging-face': 'Models',
};
const formats = Object.keys(tagOf) as ErrorFormat[];

/** A test says where one is missing: a document that says less is better than none. */
const anything: Description = { answers: { 200: { 'application/json': z.unknown() } } };

function describe(route: Route, schemas: Record<string, JsonSchema>): Operation {
  const { method, path, summary, errorFormat } = route;
  const description = descriptions[`${method} ${path}`] ?? anything;
  const { body: json, form } = route;
  const body = description.body ?? (form ? { 'multipart/form-data': form } : json && { 'application/json': json });
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^A-Za-z0-9]+(.|$)/g, (_, next: string) => next.toUpperCase())}`,
    summary,
    tags: [tagOf[errorFormat]],
    parameters: describeParameters(route),
    ...(body && { requestBody: { required: isRequired(route), content: toContent(body, schemas) } }),
    responses: describeResponses(route, description, schemas),
    security: route.public ? [{}] : [{ bearer: [] }, { header: [] }],
  };
}

/** An empty body is `{}`. */
function isRequired({ body }: Route): boolean {
  return body === undefined || !body.safeParse({}).success;
}

/** Segments of paths: what they look like, and one. */
const segments: Readonly<Record<string, { pattern: RegExp; example: string }>> = {
  model: { pattern: /^[a-z0-9][a-z0-9._-]{0,62}(@[a-z0-9._-]{1,63})?$/, example: 'sentiment' },
  version: { pattern: modelVersionPattern, example: '1' },
  alias: { pattern: modelNamePattern, example: 'production' },
  job: { pattern: modelNamePattern, example: 'reviews-2026-11' },
};

function describeParameters({ path, query }: Route): Operation['parameters'] {
  const placed = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => {
    const known = segments[name];
    const schema = { type: 'string', minLength: 1, ...(known && { pattern: known.pattern.source }) };
    return { name, in: 'path', required: true, schema, ...(known && { example: known.example }) };
  });
  if (!query) return placed;
  const { properties = {}, required = [] } = toJsonSchema(query) as { properties?: object; required?: string[] };
  const asked = Object.entries(properties).map(([name, schema]: [string, JsonSchema]) => {
    return { name, in: 'query', required: required.includes(name), schema };
  });
  return [...placed, ...asked];
}

function describeResponses(
  { errorFormat, public: open }: Route,
  { answers, headers = {} }: Description,
  schemas: Record<string, JsonSchema>,
): Operation['responses'] {
  const described = Object.entries({ ...sharedHeaders, ...headers }).map(([name, description]) => {
    return [name, { description, schema: { type: 'string' }, required: name === 'x-request-id' }];
  });
  const succeeded = Object.entries(answers).map(([status, content]) => {
    const answer = { description: 'It succeeded.', headers: Object.fromEntries(described) };
    return [status, content ? { ...answer, content: toContent(content, schemas) } : answer];
  });
  const failed = errorStatuses
    .filter((status) => status !== 401 || !open)
    .map((status) => [status, { $ref: `#/components/responses/${errorFormat}-${status}` }]);
  return Object.fromEntries([...failed, ...succeeded]);
}

const sharedHeaders = {
  'x-request-id': 'Identifies the request in the log.',
  'x-ratelimit-limit-requests': 'Requests a minute of a key that has such a limit.',
  'x-ratelimit-remaining-requests': 'Of these, what is left in this minute.',
  'x-ratelimit-reset-requests': 'How long this minute lasts, in seconds.',
};

/** 405 is of paths, not of operations. */
const errorStatuses = [...new Set(Object.values(errorCodes).map(({ status }) => status))].filter((one) => one !== 405);

/** What API Gateway may answer by itself: in the form that infra configures, for all APIs. */
const gatewayStatuses = [413, 429, 504];
const gatewayError = exactly({ error: 'what is wrong' });

/** The errors of one API, by status. */
function describeErrors(format: ErrorFormat): [string, object][] {
  return errorStatuses.map((status) => {
    const codes = (Object.keys(errorCodes) as ErrorCode[]).filter((code) => errorCodes[code].status === status);
    const own = exactly(renderErrorBody(format, new ServiceError(codes[0]!, 'what is wrong')));
    const gateway = gatewayStatuses.includes(status);
    const schema = gateway ? { anyOf: [own, gatewayError] } : own;
    const headers = {
      'x-request-id': { required: !gateway, schema: { type: 'string' } },
      ...(status === 429 && { 'retry-after': { description: 'Seconds to wait.', schema: { type: 'string' } } }),
    };
    const content = { 'application/json': { schema } };
    return [`${format}-${status}`, { description: codes.join(', '), headers, content }];
  });
}

/** The schema of objects with these fields. */
function exactly(example: unknown): JsonSchema {
  if (typeof example !== 'object' || example === null) return { type: example === null ? 'null' : typeof example };
  const properties = Object.fromEntries(Object.entries(example).map(([name, value]) => [name, exactly(value)]));
  return { type: 'object', properties, required: Object.keys(properties) };
}

function toContent(content: Content, schemas: Record<string, JsonSchema>): Record<string, { schema: JsonSchema }> {
  const described = Object.entries(content).map(([type, inside]) => {
    if (inside === 'bytes') return [type, { schema: {} }];
    if (inside === 'text') return [type, { schema: { type: 'string' } }];
    const { $defs = {}, ...schema } = toJsonSchema(inside);
    Object.assign(schemas, $defs);
    return [type, { schema }];
  });
  return Object.fromEntries(described);
}
