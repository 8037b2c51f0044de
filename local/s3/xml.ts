import type { ServerResponse } from 'node:http';
import { AwsError } from '../aws-error.ts';

type XmlValue = string | number | boolean | undefined | XmlObject | readonly XmlValue[];
interface XmlObject {
  readonly [name: string]: XmlValue;
}

/** Members become elements, in their order; a list repeats its element; undefined is left out. */
export function renderXml(root: string, content: XmlObject): string {
  const namespace = root === 'Error' ? '' : ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${namespace}>${renderMembers(content)}</${root}>`;
}

function renderMembers(content: XmlObject): string {
  return Object.entries(content)
    .map(([name, value]) => renderElement(name, value))
    .join('');
}

function renderElement(name: string, value: XmlValue): string {
  if (value === undefined) return '';
  if (isList(value)) return value.map((item) => renderElement(name, item)).join('');
  const content = typeof value === 'object' ? renderMembers(value) : escapeText(String(value));
  return `<${name}>${content}</${name}>`;
}

function isList(value: XmlValue): value is readonly XmlValue[] {
  return Array.isArray(value);
}

/** Control characters become references as S3 writes them, although XML 1.0 allows few of those. */
function escapeText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: keys may hold control characters
  return text.replace(/[&<>"\x00-\x1f\x7f]/g, (character) => named[character] ?? `&#${character.charCodeAt(0)};`);
}

const named: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export interface XmlElement {
  readonly name: string;
  readonly children: XmlElement[];
  text: string;
}

/** Reads the small documents that S3's clients send: elements, text, references; attributes and comments are skipped. */
export function parseXml(source: string): XmlElement {
  const document: XmlElement = { name: '', children: [], text: '' };
  const open = [document];
  const tokens = /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([\w:.-]+)[^<>]*?(\/?)>|([^<]+)|(<)/g;
  for (const [, cdata, closing, name, empty, text, stray] of source.replace(/^\uFEFF/, '').matchAll(tokens)) {
    const current = open.at(-1);
    if (stray || !current) throw malformedXml();
    if (cdata !== undefined) current.text += cdata;
    else if (text !== undefined) current.text += unescapeText(text);
    else if (closing) {
      if (open.pop()?.name !== name) throw malformedXml();
    } else if (name !== undefined) {
      const element: XmlElement = { name, children: [], text: '' };
      current.children.push(element);
      if (!empty) open.push(element);
    }
  }
  const [root] = document.children;
  if (open.length !== 1 || !root || document.children.length > 1) throw malformedXml();
  return root;
}

function unescapeText(text: string): string {
  return text.replace(/&(#x[\da-f]+|#\d+|\w+);/gi, (reference, body: string) => {
    const code = body.startsWith('#x') ? Number.parseInt(body.slice(2), 16) : Number(body.slice(1));
    const isCharacter = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    if (body.startsWith('#') && isCharacter) return String.fromCodePoint(code);
    const character = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[body];
    if (character === undefined) throw malformedXml(reference);
    return character;
  });
}

export function malformedXml(what = ''): AwsError {
  return new AwsError(
    400,
    'MalformedXML',
    `the XML is not well-formed or not what this operation takes ${what}`.trim(),
  );
}

/** The text of the first child of that name. */
export function childText(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text;
}

export function sendXml(
  response: ServerResponse,
  root: string,
  content: XmlObject,
  options: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): void {
  const body = Buffer.from(renderXml(root, content));
  const headers = { 'content-type': 'application/xml', 'content-length': body.length, ...options.headers };
  response.writeHead(options.status ?? 200, headers).end(body);
}
