export type TextProtoValue = string | number | boolean | TextProto;
/** Every field is a list, since the text format does not say which ones are repeated. */
export type TextProto = { readonly [field: string]: readonly TextProtoValue[] };

const token =
  /\s+|#[^\n]*|"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|([A-Za-z_]\w*)|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|([[\]{}<>:,;])/y;

interface Token {
  readonly kind: 'string' | 'name' | 'number' | 'sign' | 'end';
  readonly text: string;
}

/**
 * Parses protobuf's text format as far as Triton's configurations use it: messages, lists, strings, numbers, names.
 * Throws an Error with the place where the text is none. Source: https://protobuf.dev/reference/protobuf/textformat-spec/
 */
export function parseTextProto(text: string): TextProto {
  const tokens = tokenize(text);
  let at = 0;
  const peek = () => tokens[at] as Token;
  const take = () => tokens[at++] as Token;
  const skip = (...signs: string[]) => {
    if (peek().kind === 'sign' && signs.includes(peek().text)) return take();
    return undefined;
  };
  const fail = (wanted: string): never => {
    throw new Error(`config.pbtxt: expected ${wanted}, found ${peek().kind === 'end' ? 'the end' : peek().text}`);
  };
  const message = (end: string | undefined): TextProto => {
    const fields: Record<string, TextProtoValue[]> = Object.create(null);
    while (end === undefined ? peek().kind !== 'end' : !skip(end)) {
      if (peek().kind !== 'name') fail('a field name');
      const name = take().text;
      const colon = skip(':') !== undefined;
      fields[name] = [...(fields[name] ?? []), ...values(colon)];
      skip(',', ';');
    }
    return fields;
  };
  const values = (colon: boolean): TextProtoValue[] => {
    if (!skip('[')) return [value(colon)];
    const list: TextProtoValue[] = [];
    while (!skip(']')) {
      list.push(value(true));
      if (!skip(',') && peek().text !== ']') fail(', or ]');
    }
    return list;
  };
  const value = (scalar: boolean): TextProtoValue => {
    if (skip('{')) return message('}');
    if (skip('<')) return message('>');
    if (!scalar || peek().kind === 'sign' || peek().kind === 'end') return fail('a value');
    const { kind, text: raw } = take();
    if (kind === 'number') return Number(raw);
    if (kind === 'name') return raw === 'true' ? true : raw === 'false' ? false : raw;
    return raw + (peek().kind === 'string' ? value(true) : '');
  };
  return message(undefined);
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const start = token.lastIndex;
    const match = token.exec(text);
    if (!match) throw new Error(`config.pbtxt: unexpected ${JSON.stringify(text.slice(start, start + 20))}`);
    const [, double, single, name, number, sign] = match;
    const string = double ?? single;
    if (string !== undefined) tokens.push({ kind: 'string', text: unquote(string) });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
  }
  tokens.push({ kind: 'end', text: '' });
  return tokens;
}

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

/** Octal escapes are bytes of UTF-8, so the whole string is decoded from bytes at the end. */
function unquote(raw: string): string {
  const parts = raw.match(/\\[0-7]{1,3}|\\.|[^\\]+/g) ?? [];
  const bytes = parts.map((part) => {
    if (!part.startsWith('\\')) return Buffer.from(part);
    const code = part.slice(1);
    return /^[0-7]/.test(code) ? Buffer.of(Number.parseInt(code, 8)) : Buffer.from(escapes[code] ?? code);
  });
  return Buffer.concat(bytes).toString();
}
