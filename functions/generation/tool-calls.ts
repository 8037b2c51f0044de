import type { Tool, ToolCallDelta } from './generation.ts';
import { overlap } from './text-stream.ts';

/** How a model writes that it calls a tool. */
export interface ToolFormat {
  /** A call begins with one of these. */
  readonly markers: readonly string[];
  /** It may also begin with the text itself, as an object. */
  readonly bare: boolean;
  /** The calls in a text from its first marker on, and what is no call. */
  read(text: string): { calls: Call[]; rest: string };
}

interface Call {
  readonly name: string;
  readonly arguments: unknown;
}

const hermes: ToolFormat = {
  markers: ['<tool_call>'],
  bare: false,
  read(text) {
    const calls: Call[] = [];
    const rest = text.replace(/<tool_call>([\s\S]*?)(?:<\/tool_call>|$)/g, (whole, body: string) => {
      const [value] = readValues(body);
      return isCall(value) && calls.push(value) ? '' : whole;
    });
    return { calls, rest: rest.trim() };
  },
};

/** `[TOOL_CALLS][{name, arguments}, …]`, and since 2025 `[TOOL_CALLS]name[ARGS]{…}`. */
const mistral: ToolFormat = {
  markers: ['[TOOL_CALLS]'],
  bare: false,
  read(text) {
    const bodies = text.split('[TOOL_CALLS]').slice(1);
    const calls = bodies.flatMap((body): Call[] => {
      const [, name] = /^\s*([A-Za-z0-9_-]+)\s*(?:\[CALL_ID\][^[]*)?(?:\[ARGS\])?\s*(?=\{)/.exec(body) ?? [];
      const values = readValues(name === undefined ? body : body.slice(body.indexOf('{')));
      return name === undefined ? values.flat().filter(isCall) : [{ name, arguments: values[0] ?? {} }];
    });
    return { calls, rest: calls.length > 0 ? '' : text };
  },
};

/** Llama 3: `{"name", "parameters"}`, behind <|python_tag|> or bare; several with a semicolon between them. */
const llama: ToolFormat = {
  markers: ['<|python_tag|>'],
  bare: true,
  read(text) {
    const values = readValues(text.replace('<|python_tag|>', ''));
    const calls = values.map((value) => {
      const { name, parameters, arguments: given } = Object(value);
      return { name, arguments: parameters ?? given };
    });
    return calls.length > 0 && calls.every(isCall) ? { calls, rest: '' } : { calls: [], rest: text };
  },
};

/** By what the chat template tells the model to write; undefined: it writes in a way that is not known here. */
export function findToolFormat(template: string): ToolFormat | undefined {
  if (template.includes('<tool_call>')) return hermes;
  if (template.includes('[TOOL_CALLS]')) return mistral;
  return /python_tag|\\?"parameters\\?": dictionary/.test(template) ? llama : undefined;
}

/** Reads what a model generates: its text as it comes, its calls at the end. */
export interface AnswerReader {
  push(text: string): string;
  end(): { text: string; toolCalls: ToolCallDelta[] };
}

export const plainReader: AnswerReader = { push: (text) => text, end: () => ({ text: '', toolCalls: [] }) };

interface ReaderOptions {
  readonly tools: readonly Tool[];
  readonly parallel: boolean;
  createId(): string;
}

export function createToolReader(format: ToolFormat, options: ReaderOptions): AnswerReader {
  let held = '';
  let calling = false;
  let begun = false;
  return {
    push(text) {
      held += text;
      if (calling) return '';
      const start = findStart(held, format, begun);
      calling = start.calling;
      const ready = held.slice(0, start.at);
      held = held.slice(start.at);
      begun ||= ready.trim() !== '';
      return ready;
    },
    end() {
      if (!calling) return { text: held, toolCalls: [] };
      const { calls, rest } = format.read(held);
      const known = calls.filter(({ name }) => options.tools.some((tool) => tool.function.name === name));
      // What only looks like a call is text: nothing of it is lost.
      if (known.length === 0) return { text: held, toolCalls: [] };
      return { text: rest, toolCalls: render(options.parallel ? known : known.slice(0, 1), options) };
    },
  };
}

/** The whole text is one call, as a constraint has held the model to it. */
export function createCallReader(options: ReaderOptions): AnswerReader {
  let held = '';
  return {
    push(text) {
      held += text;
      return '';
    },
    end() {
      const calls = readValues(held).filter(isCall);
      return calls.length > 0 ? { text: '', toolCalls: render(calls, options) } : { text: held, toolCalls: [] };
    },
  };
}

/** Where a call begins or, not yet decided, may begin; space before it belongs to it. */
function findStart(text: string, { markers, bare }: ToolFormat, begun: boolean): { at: number; calling: boolean } {
  const trimmed = text.trimStart();
  if (bare && !begun && (trimmed === '' || trimmed.startsWith('{'))) return { at: 0, calling: trimmed !== '' };
  const before = (at: number) => text.slice(0, at).trimEnd().length;
  const found = markers.map((marker) => text.indexOf(marker)).filter((at) => at >= 0);
  if (found.length > 0) return { at: before(Math.min(...found)), calling: true };
  const at = Math.min(...markers.map((marker) => text.length - overlap(text, marker)));
  return { at: before(at), calling: false };
}

function render(calls: readonly Call[], { createId }: ReaderOptions): ToolCallDelta[] {
  return calls.map(({ name, arguments: given }, index) => {
    const text = typeof given === 'string' ? given : JSON.stringify(given ?? {});
    return { index, id: createId(), name, arguments: text };
  });
}

function isCall(value: unknown): value is Call {
  const { name, arguments: given } = Object(value) as { name?: unknown; arguments?: unknown };
  return typeof name === 'string' && ['object', 'string', 'undefined'].includes(typeof given);
}

/** The JSON objects and lists that a text consists of, whatever separates them, up to the first that is broken. */
function readValues(text: string): unknown[] {
  const values: unknown[] = [];
  for (let at = text.search(/[[{]/); at >= 0; ) {
    const end = findEnd(text, at);
    try {
      values.push(JSON.parse(text.slice(at, end)));
    } catch {
      break;
    }
    const next = text.slice(end).search(/[[{]/);
    at = next < 0 ? -1 : end + next;
  }
  return values;
}

/** Behind the bracket that closes the one at `start`. */
function findEnd(text: string, start: number): number {
  let depth = 0;
  for (const { 0: token, index } of text.slice(start).matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    if (depth === 0) return start + index + token.length;
  }
  return text.length;
}
