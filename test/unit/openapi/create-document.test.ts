import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { HttpRequest } from '../../../functions/http/http.ts';
import { routes } from '../../../functions/http/routes.ts';
import { createDocument, descriptions } from '../../../functions/openapi/create-document.ts';
import { openApiRoutes } from '../../../functions/openapi/routes.ts';
import type { Services } from '../../../functions/services.ts';

const all = [...routes, ...openApiRoutes(routes)];
const document = createDocument(all);

test('every route is an operation with an id of its own, and has an answer', () => {
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  assert.equal(operations.length, all.length);
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, all.length);
  const undescribed = all.filter(({ method, path }) => !descriptions[`${method} ${path}`]);
  assert.deepEqual(undescribed, [], 'functions/openapi describes their answers');
  for (const { responses, operationId } of operations) {
    assert.ok(
      Object.keys(responses).some((status) => status.startsWith('2')),
      operationId,
    );
  }
});

test('every schema compiles, and every reference leads to a component', () => {
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ $id: 'api', ...document });
  for (const [, pointer] of JSON.stringify(document).matchAll(/"\$ref":"(#[^"]+)"/g)) {
    let target: unknown = document;
    for (const part of pointer!.slice(2).split('/')) target = (target as Record<string, unknown>)[part];
    assert.ok(target, pointer);
    if (pointer!.startsWith('#/components/schemas/')) ajv.compile({ $ref: `api${pointer}` });
  }
  for (const methods of Object.values(document.paths)) {
    for (const { requestBody } of Object.values(methods)) {
      for (const { schema } of Object.values(requestBody?.content ?? {})) {
        ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('#/components', 'api#/components')));
      }
    }
  }
});

test('what a body is said to be is what parses it', () => {
  const { schema } = document.paths['/v1/embeddings']!.post!.requestBody!.content['application/json']!;
  assert.deepEqual([schema.type, schema.required], ['object', ['model', 'input']]);
  const inputs = document.components.schemas['image-classification.input']!;
  // A picture is bytes, or base64 in JSON.
  assert.deepEqual((inputs.properties as { inputs: { anyOf: object[] } }).inputs.anyOf[0], { type: 'string' });
  assert.equal(document.paths['/v2/repository/index']!.post!.requestBody!.required, false);
});

test('/docs is a page without script, foreign host or style but its own', async () => {
  const page = all.find(({ path }) => path === '/docs')!;
  const { headers, body } = await page.handle({} as HttpRequest, {} as Services);
  const html = String(body);
  const [, style] = /<style>(.*?)<\/style>/s.exec(html)!;
  const digest = createHash('sha256').update(style!).digest('base64');
  const [everything, styles] = headers!['content-security-policy']!.split('; ');
  assert.deepEqual([everything, styles], ["default-src 'none'", "style-src 'unsafe-inline'"]);
  // Both policies hold, and the page's own names its style.
  assert.ok(html.includes(`style-src &#39;sha256-${digest}&#39;`));
  assert.doesNotMatch(html, /<script|style="|https?:\/\/|src="|@import/);
  for (const [, id] of html.matchAll(/href="#([^"]+)"/g)) assert.ok(html.includes(`id="${id}"`), id);
  for (const { path } of all) assert.ok(html.includes(`<code>${path}</code>`), path);
});
