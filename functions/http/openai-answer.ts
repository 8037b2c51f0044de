import { Readable } from 'node:stream';
import { toServiceError } from '../errors.ts';
import type { GenerationEvent, GenerationRequest } from '../generation/generation.ts';
import { describeError, log } from '../log.ts';
import type { Model } from '../registry/model-manifest.ts';
import type { Services } from '../services.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import type { SamplingInput } from './openai-sampling.ts';
import { renderOpenaiError } from './render-error.ts';

type Delta = Extract<GenerationEvent, { kind: 'delta' }>;
type End = Extract<GenerationEvent, { kind: 'end' }>;

/** How one of the two APIs writes what is generated. */
export interface GenerationFormat {
  readonly idPrefix: string;
  readonly object: string;
  readonly chunkObject: string;
  /** A choice of a whole answer. */
  choice(index: number, deltas: readonly Delta[], end: End): object;
  /** Choices of a stream: what comes before the first delta (chat: the role), a delta, and the end. */
  chunk(index: number, part: Delta | End | 'begin'): object | undefined;
}

/** The generations of a request, whole or as server-sent events. */
export async function answerGenerations(
  request: HttpRequest,
  services: Services,
  {
    model,
    input,
    generations,
    format,
  }: {
    model: Model;
    input: SamplingInput;
    generations: readonly GenerationRequest[];
    format: GenerationFormat;
  },
): Promise<HttpResponse> {
  const common = {
    id: `${format.idPrefix}${request.requestId}`,
    created: Math.floor(Date.now() / 1000),
    model: input.model,
  };
  const headers = { 'x-lambent-model-version': model.manifest.version };
  const generate = (generation: GenerationRequest) => services.generate(model, generation, request.deadline);
  if (!input.stream) {
    const choices: object[] = [];
    const ends: End[] = [];
    for (const [index, generation] of generations.entries()) {
      const { deltas, end } = await gather(generate(generation));
      choices.push(format.choice(index, deltas, end));
      ends.push(end);
    }
    const usage = renderUsage(ends, input.n ?? 1);
    return { status: 200, headers, body: { ...common, object: format.object, choices, usage } };
  }
  const chunks = renderChunks();
  // What fails before the first token is an answer with a status of its own.
  const first = await chunks.next();
  const events = Readable.from(toEvents(first.value!, chunks, request.requestId), { highWaterMark: 1 });
  // Also where the caller leaves before the first read: a generator that has not begun would not end the others.
  events.once('close', () => void chunks.return(undefined));
  return { status: 200, headers: { ...headers, 'content-type': 'text/event-stream; charset=utf-8' }, body: events };

  async function* renderChunks(): AsyncGenerator<object> {
    const withUsage = input.stream_options?.include_usage === true;
    const ends: End[] = [];
    const render = (choices: object[], usage: object | null) => ({
      ...common,
      object: format.chunkObject,
      choices,
      ...(withUsage && { usage }),
    });
    for (const [index, generation] of generations.entries()) {
      let begun = false;
      for await (const event of generate(generation)) {
        const parts = begun ? [event] : (['begin', event] as const);
        begun = true;
        for (const part of parts) {
          const choice = format.chunk(index, part);
          if (choice) yield render([choice], null);
        }
        if (event.kind === 'end') ends.push(event);
      }
    }
    if (withUsage) yield render([], renderUsage(ends, input.n ?? 1));
  }
}

async function gather(events: AsyncIterable<GenerationEvent>): Promise<{ deltas: Delta[]; end: End }> {
  const deltas: Delta[] = [];
  for await (const event of events) {
    if (event.kind === 'end') return { deltas, end: event };
    deltas.push(event);
  }
  throw new Error('a generation ended without its end');
}

/** A prompt counts once, however many choices it has. */
function renderUsage(ends: readonly End[], choicesPerPrompt: number): object {
  const prompt = ends.filter((_, index) => index % choicesPerPrompt === 0);
  const prompt_tokens = prompt.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
  const completion_tokens = ends.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

/**
 * Server-sent events. A failure after the first one is an event with OpenAI's error object, and the stream ends without
 * [DONE]: a client must not take the part for the whole.
 */
async function* toEvents(first: object, rest: AsyncGenerator<object>, requestId: string): AsyncGenerator<string> {
  try {
    yield toEvent(first);
    for await (const chunk of rest) yield toEvent(chunk);
    yield 'data: [DONE]\n\n';
  } catch (cause) {
    const error = toServiceError(cause);
    log('error', 'a stream ended with an error', { requestId, errorCode: error.code, error: describeError(error) });
    yield toEvent(renderOpenaiError(error));
  }
}

function toEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
