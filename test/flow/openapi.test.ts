import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import type { OpenApiDocument, Operation } from '../../functions/openapi/create-document.ts';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { arbitraryFromSchema, spoil } from '../arbitrary-from-schema.ts';
import { temporaryState } from './run-platform.ts';

/** Another one explores other requests; a failure prints it. */
const seed = Number(process.env.OPENAPI_SEED ?? 20261127);
const runs = Number(process.env.OPENAPI_RUNS ?? 2000);

const agent = new Agent({ keepAlive: true });
let platform: Platform;
let temporary: Awaited<ReturnType<typeof temporaryState>>;
let document: OpenApiDocument;
const ajv = new Ajv2020({ strict: false, validateFormats: false });

// In this process: the real handler behind the gateway, and the stand-ins.
before(async () => {
  temporary = await temporaryState();
  platform = await startPlatform({ help: false, open: false, port: 0, state: temporary.state });
  const { text } = await send({ method: 'GET', path: '/openapi.json' });
  document = JSON.parse(text) as OpenApiDocument;
  ajv.addSchema({ $id: 'api', ...document });
});
after(async () => {
  agent.destroy();
  await platform.close(0);
  await temporary.remove();
});

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

async function send({ method, path, headers = {}, body }: Sent) {
  const { hostname, port } = new URL(platform.url);
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const sent = httpRequest({
    ...{ hostname, port, agent, method, path },
    headers: { 'x-api-key': platform.secret, ...length, ...headers },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks = await response.toArray();
  return { status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString() };
}

interface Asked extends Sent {
  readonly operation: Operation;
  readonly negative: boolean;
}

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );

const compiled = new Map<object, ValidateFunction>();
function validatorOf(schema: object): ValidateFunction {
  const known = compiled.get(schema);
  if (known) return known;
  const validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components')));
  compiled.set(schema, validate);
  return validate;
}

function resolve(reference: string): Record<string, unknown> {
  const name = reference.split('/').at(-1)!;
  return document.components.schemas[name]!;
}

const strange = fc.string({ minLength: 1, maxLength: 12, unit: 'binary' }).map((text) => {
  // A lone surrogate has no percent-encoding; dots alone are other paths.
  const segment = encodeURIComponent(text.toWellFormed());
  return /^\.+$/.test(segment) ? '%2e%2e%2e' : segment;
});
const values: Record<string, readonly string[]> = { model: ['sentiment', 'sentiment@production'], version: ['1'] };

/** What changes a model is asked of `digits`, so that `sentiment` is there to be asked. */
function segments(path: string, changing: boolean): fc.Arbitrary<string> {
  const parts = path.split('/').map((part) => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (!name) return fc.constant(part);
    const known = fc.constantFrom(...(name === 'model' && changing ? ['digits'] : (values[name] ?? ['production'])));
    return fc.oneof({ weight: 3, arbitrary: known }, { weight: 1, arbitrary: strange });
  });
  return fc.tuple(...parts).map((each) => each.join('/'));
}

function requests(): fc.Arbitrary<Asked> {
  return fc.constantFrom(...operations()).chain(({ path, method, operation }) => {
    const changing = method === 'PUT' || method === 'DELETE' || path.endsWith('/rollback');
    const query = fc.record(
      Object.fromEntries(
        operation.parameters
          .filter(({ in: place }) => place === 'query')
          .map(({ name, schema }) => [name, arbitraryFromSchema(schema, resolve)]),
      ),
      { requiredKeys: [] },
    );
    return fc.tuple(segments(path, changing), query, bodies(operation)).map(([asked, given, body]) => {
      const fields = Object.entries(given).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
      const search = fields.join('&');
      return { method, path: search ? `${asked}?${search}` : asked, operation, ...body };
    });
  });
}

function bodies({ requestBody }: Operation): fc.Arbitrary<Pick<Asked, 'negative' | 'body' | 'headers'>> {
  const none = fc.constant({ negative: requestBody?.required === true });
  if (!requestBody) return fc.constant({ negative: false });
  const schema = requestBody.content['application/json']?.schema;
  const forms: fc.Arbitrary<Pick<Asked, 'negative' | 'body' | 'headers'>>[] = [none];
  if (schema) {
    const validate = validatorOf(schema);
    const headers = { 'content-type': 'application/json' };
    const valid = arbitraryFromSchema(schema, resolve);
    const toBody = (value: unknown) => ({ headers, body: JSON.stringify(value), negative: !validate(value) });
    forms.push(valid.map(toBody), valid.chain(spoil).map(toBody));
    forms.push(valid.map((value) => ({ headers, body: JSON.stringify(value).slice(0, -1), negative: true })));
  }
  for (const type of Object.keys(requestBody.content)) {
    if (type === 'application/json') continue;
    const headers = { 'content-type': type === '*/*' ? 'image/png' : type };
    forms.push(fc.uint8Array({ maxLength: 200 }).map((body) => ({ headers, body, negative: false })));
  }
  return fc.oneof(...forms);
}

/** Throws where the answer is not one that the document promises. */
function check({ operation, negative }: Asked, { status, headers, text }: Awaited<ReturnType<typeof send>>): void {
  assert.ok(status < 500, `${status} ${text.slice(0, 300)}`);
  if (negative) assert.ok(status >= 400, `${status}: what the document does not allow was taken`);
  const promised = operation.responses[status];
  assert.ok(promised, `${status} is not documented: ${text.slice(0, 300)}`);
  const { content, headers: named = {} } = (
    '$ref' in promised
      ? (document.components.responses as Record<string, object>)[promised.$ref.split('/').at(-1)!]
      : promised
  ) as { content?: Record<string, { schema: object }>; headers?: Record<string, { required?: boolean }> };
  for (const [name, { required }] of Object.entries(named)) if (required) assert.ok(headers[name], `no header ${name}`);
  if (!content) {
    assert.equal(text, '');
    return;
  }
  const type = headers['content-type']?.split(';', 1)[0] ?? '';
  const { schema } = content[type] ?? {};
  assert.ok(schema, `the content type ${type} is not documented`);
  if (type !== 'application/json') return;
  const validate = validatorOf(schema);
  assert.ok(validate(JSON.parse(text)), `${ajv.errorsText(validate.errors)}: ${text.slice(0, 500)}`);
}

test(`${runs} requests made of /openapi.json: none is a 5xx, all are answered as it says, what it does not allow is refused`, async () => {
  const seen = { succeeded: new Set<string>(), negative: 0 };
  const property = fc.asyncProperty(requests(), async (asked) => {
    const answer = await send(asked);
    check(asked, answer);
    if (answer.status < 300) seen.succeeded.add(asked.operation.operationId);
    if (asked.negative) seen.negative++;
  });
  // Requests change what later ones find: a smaller one that fails would be another failure.
  await fc.assert(property, { seed, numRuns: runs, endOnFailure: true });
  if (runs < 2000) return;
  assert.ok(seen.negative > 100, `${seen.negative} requests were not allowed`);
  assert.ok(seen.succeeded.size > 30, `answers of success: ${[...seen.succeeded].join(', ')}`);
});

test('without a key, or with one that nobody has, nothing is told but what is public', async () => {
  for (const { path, method, operation } of operations()) {
    const concrete = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name]?.[0] ?? 'x');
    const open = operation.security.some((one) => Object.keys(one).length === 0);
    for (const key of ['', `lam_${'A'.repeat(43)}`]) {
      const { status } = await send({ method, path: concrete, headers: { 'x-api-key': key } });
      assert.equal(status, open ? 200 : 401, `${method} ${path}`);
    }
  }
});

test('every path refuses the methods that it does not have, and names those that it has', async () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    const own = Object.keys(methods).map((method) => method.toUpperCase());
    const concrete = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name]?.[0] ?? 'x');
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'QUERY']) {
      if (own.includes(method)) continue;
      const allowed = [...own, ...(own.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
      const { status, headers } = await send({ method, path: concrete });
      assert.equal(status, 405, `${method} ${path}`);
      assert.ok(headers.allow, `${method} ${path}`);
      if (method === 'TRACE' || method === 'QUERY') continue;
      assert.deepEqual(headers.allow?.split(', ').sort(), allowed.sort(), `${method} ${path}`);
    }
  }
});
