import { type Html, html } from '../page/html.ts';
import { renderPage } from '../page/page.ts';
import type { OpenApiDocument, Operation } from './create-document.ts';
import type { JsonSchema } from './json-schema.ts';
import { renderSchema } from './render-schema.ts';

/** The document as a page for people. */
export function renderDocument(document: OpenApiDocument): string {
  const { info, tags, components } = document;
  const operations = listOperations(document);
  const link = (name: string) => html`<a href="#${slug(name)}">${name}</a>`;
  return renderPage({
    title: `${info.title} API`,
    kicker: 'OpenAPI 3.1',
    lead: html`${info.description} Calls carry an API key, as <code>Authorization: Bearer</code> or <code>x-api-key</code>; every answer has an <code>x-request-id</code>.`,
    facts: [
      ['Version', info.version],
      ['For programs', html`<a href="openapi.json">openapi.json</a>`],
      ...[...tags.map(({ name }) => name), 'Schemas'].map((name) => ['Section', link(name)] as const),
    ],
    sections: [
      ...tags.map(({ name, description }) => ({
        title: name,
        lead: description,
        body: html`<div id="${slug(name)}">${operations.filter(({ operation }) => operation.tags.includes(name)).map(renderOperation)}</div>`,
      })),
      {
        title: 'Schemas',
        lead: 'What the tasks take and give.',
        body: html`<div id="schemas">${Object.entries(components.schemas).map(renderComponent)}</div>`,
      },
    ],
  });
}

interface Placed {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

function listOperations({ paths }: OpenApiDocument): Placed[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
}

function renderOperation({ method, path, operation }: Placed): Html {
  const { operationId, summary, parameters, requestBody, responses, security } = operation;
  const asked = parameters.map(({ name, in: place, required, schema }) => {
    return html`<li><code>${name}</code> in the ${place} ${renderSchema(schema)} ${required && html`<small>required</small>`}</li>`;
  });
  const open = security.some((one) => Object.keys(one).length === 0);
  const verb = method === 'get' ? '' : ` -X ${method.toUpperCase()}`;
  const answers = Object.entries(responses).map(([status, answer]) => {
    return !('$ref' in answer) && html`<h3>${status}</h3>${renderContent(answer.content)}`;
  });
  const errors = Object.keys(responses).filter((status) => '$ref' in responses[status]!);
  return html`<details id="${operationId}"><summary><b>${method.toUpperCase()}</b> <code>${path}</code> <small>${summary}</small></summary>
<pre>curl${verb} "$API${path}"${open ? '' : ' -H "x-api-key: $KEY"'}</pre>
${asked.length > 0 && html`<h3>Parameters</h3><ul class="fields">${asked}</ul>`}
${requestBody && html`<h3>Body${requestBody.required ? '' : ' (optional)'}</h3>${renderContent(requestBody.content)}`}
${answers}<p><small>Errors: ${errors.join(', ')}</small></p></details>
`;
}

function renderContent(content: Record<string, { schema: JsonSchema }> | undefined): Html {
  if (!content) return html`<p>No body.</p>`;
  const inside = (schema: JsonSchema) =>
    Object.keys(schema).length === 0 ? html`<small>bytes</small>` : renderSchema(schema);
  return html`${Object.entries(content).map(([type, { schema }]) => html`<div><code>${type}</code> ${inside(schema)}</div>`)}`;
}

function renderComponent([name, schema]: [string, JsonSchema]): Html {
  return html`<details id="schema-${name}"><summary><code>${name}</code></summary>${renderSchema(schema)}</details>
`;
}

function slug(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z]+/g, '-');
}
