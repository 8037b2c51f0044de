import type { ToolCallDelta } from '../generation/generation.ts';
import type { Delta, GenerationFormat } from './openai-answer.ts';
import { renderTokenLogprob } from './openai-sampling.ts';

/** Source: https://github.com/openai/openai-openapi, CreateChatCompletionResponse and …StreamResponse. */
export const chatFormat: GenerationFormat = {
  idPrefix: 'chatcmpl-',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  choice(index, deltas, { finishReason }) {
    const text = deltas.map((delta) => delta.text).join('');
    const reasoning = deltas.map((delta) => delta.reasoning ?? '').join('');
    const calls = joinCalls(deltas.flatMap((delta) => delta.toolCalls ?? []));
    const message = {
      role: 'assistant',
      content: text === '' && calls.length > 0 ? null : text,
      refusal: null,
      ...(reasoning !== '' && { reasoning_content: reasoning }),
      ...(calls.length > 0 && { tool_calls: calls }),
    };
    return { index, message, logprobs: renderLogprobs(deltas), finish_reason: finishReason };
  },
  chunk(index, part) {
    if (part === 'begin') {
      const delta = { role: 'assistant', content: '', refusal: null };
      return { index, delta, logprobs: null, finish_reason: null };
    }
    if (part.kind === 'end') return { index, delta: {}, logprobs: null, finish_reason: part.finishReason };
    const delta = {
      ...(part.text !== '' && { content: part.text }),
      ...(part.reasoning && { reasoning_content: part.reasoning }),
      ...(part.toolCalls && { tool_calls: part.toolCalls.map(renderCallDelta) }),
    };
    if (Object.keys(delta).length === 0 && !part.logprobs) return undefined;
    return { index, delta, logprobs: renderLogprobs([part]), finish_reason: null };
  },
};

function renderCallDelta({ index, id, name, arguments: text }: ToolCallDelta): object {
  const named = name === undefined ? { arguments: text } : { name, arguments: text };
  return { index, ...(id !== undefined && { id, type: 'function' }), function: named };
}

/** Pieces of one index are one call. */
function joinCalls(pieces: readonly ToolCallDelta[]): object[] {
  const indices = [...new Set(pieces.map(({ index }) => index))];
  return indices.map((index) => {
    const own = pieces.filter((piece) => piece.index === index);
    const name = own.find((piece) => piece.name !== undefined)?.name ?? '';
    const id = own.find((piece) => piece.id !== undefined)?.id ?? '';
    const text = own.map((piece) => piece.arguments).join('');
    return { id, type: 'function', function: { name, arguments: text } };
  });
}

function renderLogprobs(deltas: readonly Delta[]): object | null {
  const logprobs = deltas.flatMap((delta) => delta.logprobs ?? []);
  if (logprobs.length === 0) return null;
  const content = logprobs.map(({ top, ...token }) => ({
    ...renderTokenLogprob(token),
    top_logprobs: top.map(renderTokenLogprob),
  }));
  return { content, refusal: null };
}
