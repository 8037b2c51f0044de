import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { type ModelManifest, modelManifestSchema, packagePathPattern } from './model-manifest.ts';

/** A model.json with golden inputs in it may be this large; pictures lie beside it. */
export const maxManifestBytes = 16 * 2 ** 20;

/** The bytes of model.json as a manifest. Throws invalid_request with all that is wrong. */
export function parseManifest(body: Buffer): ModelManifest {
  const value = parseJson(body);
  checkPaths(value);
  const parsed = modelManifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw refusal(`model.json is not valid: ${z.prettifyError(parsed.error)}`, parsed.error);
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) throw refusal('model.json is empty');
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (cause) {
    throw refusal(`model.json is not valid JSON: ${(cause as Error).message}`, cause);
  }
}

/** Before the schema, whose words for a path are too few: what is wrong with it tells what was tried. */
function checkPaths(value: unknown): void {
  const { files, model } = Object(value) as { files?: unknown; model?: unknown };
  for (const [path, entry] of Object.entries(Object(files) as object)) {
    checkPath(path);
    const link = Object.keys(Object(entry)).find((key) => /link|target/i.test(key));
    if (link)
      throw refusal(`'${path}' is given as a link (${link}): a package has files only; upload what it links to`);
  }
  if (typeof model === 'string') checkPath(model);
}

function checkPath(path: string): void {
  const given = JSON.stringify(path.slice(0, 100));
  if (/^(?:[/\\]|[A-Za-z]:[/\\]|[a-z][a-z0-9+.-]*:\/\/)/i.test(path)) {
    throw refusal(`${given} is an absolute path: paths are relative to the package`);
  }
  if (path.split(/[/\\]/).includes('..')) throw refusal(`${given} leaves the package: '..' is not allowed in a path`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u001f\u007f\\]/.test(path)) throw refusal(`${given} has a control character or a backslash`);
  if (!packagePathPattern.test(path) || path.length > 512) {
    throw refusal(
      `${given} is not a plain relative path: names of letters, digits and ._@+- joined by '/', none hidden`,
    );
  }
  if (path === 'model.json') throw refusal('model.json lists itself among its files; its own digest cannot be in it');
}

export function refusal(message: string, cause?: unknown): ServiceError {
  return new ServiceError('invalid_request', message, { cause });
}
