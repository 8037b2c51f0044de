import type { HttpResponse, Route } from '../http/http.ts';

/** The description of the API: for programs at /openapi.json, for people at /docs. Written when it is first asked for. */
export function openApiRoutes(routes: readonly Route[]): readonly Route[] {
  const shared = { method: 'GET', errorFormat: 'hugging-face', public: true } as const;
  const own: readonly Route[] = [
    {
      ...shared,
      path: '/openapi.json',
      summary: 'This API as OpenAPI 3.1',
      handle: () => describe().then(({ json }) => json),
    },
    { ...shared, path: '/docs', summary: 'This API as a page', handle: () => describe().then(({ page }) => page) },
  ];
  let described: Promise<{ json: HttpResponse; page: HttpResponse }> | undefined;
  const describe = () => {
    described ??= write([...routes, ...own]);
    return described;
  };
  return own;
}

async function write(routes: readonly Route[]): Promise<{ json: HttpResponse; page: HttpResponse }> {
  const [{ createDocument }, { renderDocument }, { pagePolicy }] = await Promise.all([
    import('./create-document.ts'),
    import('./render-document.ts'),
    import('../page/page.ts'),
  ]);
  const document = createDocument(routes);
  const json = { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(document) };
  const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': pagePolicy };
  return { json, page: { status: 200, headers, body: renderDocument(document) } };
}
