import { ServiceError } from '../errors.ts';
import type { Message } from './generation.ts';

/** A message as chat templates read it. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  readonly [field: string]: unknown;
}

/**
 * Messages in the words of chat templates: they know `system`, not its newer name, texts and not parts, and arguments of
 * a call as an object. Throws invalid_request where a message has what the model cannot read: pictures, sounds.
 */
export function readMessages(messages: readonly Message[]): ChatMessage[] {
  return messages.map(({ role, content, tool_calls: calls, ...fields }, index) => ({
    ...fields,
    ...(Array.isArray(calls) && { tool_calls: calls.map(readCall) }),
    role: role === 'developer' ? 'system' : role,
    content: readContent(content, index),
  }));
}

function readContent(content: unknown, index: number): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => readPart(part, index)).join('');
}

function readPart(part: unknown, index: number): string {
  const { type, text } = Object(part) as { type?: unknown; text?: unknown };
  if (type === 'text' && typeof text === 'string') return text;
  const message = `messages[${index}].content has a part of type ${String(type)}: this model reads parts of type text`;
  throw new ServiceError('invalid_request', message);
}

function readCall(call: unknown): unknown {
  const given = Object(call) as { function?: { arguments?: unknown } };
  const text = given.function?.arguments;
  if (typeof text !== 'string') return call;
  try {
    return { ...given, function: { ...given.function, arguments: JSON.parse(text) as unknown } };
  } catch {
    return call;
  }
}
