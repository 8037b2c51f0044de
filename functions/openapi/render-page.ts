import { createHash } from 'node:crypto';
import type { OpenApiDocument, Operation } from './create-document.ts';
import type { JsonSchema } from './json-schema.ts';
import { pageStyle } from './page-style.ts';
import { escapeHtml, renderSchema } from './render-schema.ts';

/** The document as a page for people: one style sheet, no script, nothing of another host. */
export function renderPage(document: OpenApiDocument): { html: string; contentSecurityPolicy: string } {
  const { info, tags, components } = document;
  const sections = tags.map(({ name, description }) => {
    const operations = listOperations(document).filter(({ operation }) => operation.tags.includes(name));
    return `<section id="${slug(name)}"><h2>${escapeHtml(name)}</h2><p>${escapeHtml(description)}</p>
${operations.map(renderOperation).join('\n')}</section>`;
  });
  const schemas = Object.entries(components.schemas).map(([name, schema]) => renderComponent(name, schema));
  const links = [...tags.map(({ name }) => name), 'Schemas'].map(
    (name) => `<li><a href="#${slug(name)}">${name}</a></li>`,
  );
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(info.title)} API</title>
<style>${pageStyle}</style>
</head>
<body>
<header><h1>${escapeHtml(info.title)} API ${escapeHtml(info.version)}</h1><p>${escapeHtml(info.description)}</p></header>
<nav><ul>${links.join('')}<li><a href="openapi.json">OpenAPI 3.1</a></li></ul></nav>
<main>
<p>Calls carry an API key, as <code>Authorization: Bearer</code> or <code>x-api-key</code>. Every answer has an <code>x-request-id</code>.</p>
${sections.join('\n')}
<section id="schemas"><h2>Schemas</h2><p>What the tasks take and give.</p>
${schemas.join('\n')}</section>
</main>
</body>
</html>
`;
  const digest = createHash('sha256').update(pageStyle).digest('base64');
  const policy = ["default-src 'none'", `style-src 'sha256-${digest}'`, "base-uri 'none'", "form-action 'none'"];
  return { html, contentSecurityPolicy: [...policy, "frame-ancestors 'none'"].join('; ') };
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

function renderOperation({ method, path, operation }: Placed): string {
  const { operationId, summary, parameters, requestBody, responses, security } = operation;
  const asked = parameters.map(({ name, in: place, required, schema }) => {
    const note = required ? ' <span class="note">required</span>' : '';
    return `<li><code>${escapeHtml(name)}</code> in the ${place} ${renderSchema(schema)}${note}</li>`;
  });
  const open = security.some((one) => Object.keys(one).length === 0);
  const key = open ? '' : ' -H "x-api-key: $KEY"';
  const verb = method === 'get' ? '' : ` -X ${method.toUpperCase()}`;
  const answers = Object.entries(responses).flatMap(([status, answer]) => {
    if ('$ref' in answer) return [];
    return `<h3>${status}</h3>${renderContent(answer.content)}`;
  });
  const errors = Object.keys(responses).filter((status) => '$ref' in responses[status]!);
  return `<details class="operation" id="${operationId}"><summary><span class="method ${method}">${method.toUpperCase()}</span>
<code>${escapeHtml(path)}</code> <span class="says">${escapeHtml(summary)}</span></summary><div class="inside">
<pre>curl${verb} "$API${escapeHtml(path)}"${key}</pre>
${asked.length > 0 ? `<h3>Parameters</h3><ul class="fields">${asked.join('')}</ul>` : ''}
${requestBody ? `<h3>Body${requestBody.required ? '' : ' (optional)'}</h3>${renderContent(requestBody.content)}` : ''}
${answers.join('')}<p class="note">Errors: ${errors.join(', ')}</p></div></details>`;
}

function renderContent(content: Record<string, { schema: JsonSchema }> | undefined): string {
  if (!content) return '<p>No body.</p>';
  return Object.entries(content)
    .map(([type, { schema }]) => {
      const inside = Object.keys(schema).length === 0 ? '<span class="type">bytes</span>' : renderSchema(schema);
      return `<div><code>${escapeHtml(type)}</code> ${inside}</div>`;
    })
    .join('');
}

function renderComponent(name: string, schema: JsonSchema): string {
  const id = escapeHtml(name);
  return `<details class="schema" id="schema-${id}"><summary><code>${id}</code></summary><div class="inside">${renderSchema(schema)}</div></details>`;
}

function slug(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z]+/g, '-');
}
