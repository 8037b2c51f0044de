import { Readable } from 'node:stream';
import { toServiceError } from '../errors.ts';
import type { GenerationEvent, GenerationRequest } from '../generation/generation.ts';
import { describeError, log } from '../log.ts';
import type { Model } from '../registry/model-manifest.ts';
import type { Services } from '../services.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { merge } from './merge.ts';
import type { SamplingInput } from './openai-sampling.ts';
import { renderOpenaiError } from './render-error.ts';

/** Generations of one request that run at the same time. */
const maxAtOnce = 4;

export type Delta = Extract<GenerationEvent, { kind: 'delta' }>;
export type End = Extract<GenerationEvent, { kind: 'end' }>;

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

/** What an answer needs: a model and its host. */
export type GenerationServices = Pick<Services, 'generate' | 'readModelEntry' | 'readModel'>;

interface Generations {
  readonly model: Model;
  readonly input: SamplingInput;
  readonly generations: readonly GenerationRequest[];
  readonly format: GenerationFormat;
}

/** The generations of a request, whole or as server-sent events. */
export async function answerGenerations(
  request: HttpRequest,
  services: Pick<Services, 'generate'>,
  { model, input, generations, format }: Generations,
): Promise<HttpResponse> {
  const common = {
    id: `${format.idPrefix}${request.requestId}`,
    created: Math.floor(Date.now() / 1000),
    model: input.model,
  };
  const leaving = new AbortController();
  const sources = generations.map(
    (generation) => () => services.generate(model, generation, request.deadline, leaving.signal),
  );
  const events = merge(sources, maxAtOnce);
  // What fails before the first token is an answer with a status of its own.
  const first = await events.next();
  const headers: Record<string, string> = { 'x-lambent-model-version': model.manifest.version };
  if (first.value?.event.kind === 'served') headers['x-lambent-served-by'] = first.value.event.by;
  const all = prepend(first, events);
  if (input.stream) {
    const chunks = renderChunks(all, { input, format, common });
    const leave = () => {
      leaving.abort();
      // A generator that has not begun would not end the one that it reads.
      void all.return(undefined);
    };
    const sent = toEvents(chunks, request.requestId, leaving.signal);
    const stream = Readable.from(endedAtOnce(sent, leave), { highWaterMark: 1 });
    return { status: 200, headers: { ...headers, 'content-type': 'text/event-stream; charset=utf-8' }, body: stream };
  }
  const { deltas, ends } = await gather(all, generations.length);
  const choices = ends.map((end, index) => format.choice(index, deltas[index]!, end));
  const usage = renderUsage(ends, input.n ?? 1);
  return { status: 200, headers, body: { ...common, object: format.object, choices, usage } };
}

/** The same, but `leave` is called as soon as the reader leaves: a generator itself hears of it with its next value. */
function endedAtOnce<Value>(values: AsyncGenerator<Value>, leave: () => void): AsyncIterable<Value> {
  const iterator: AsyncIterator<Value> = {
    next: () => values.next(),
    async return(value) {
      leave();
      return await values.return(value);
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

type Events = AsyncGenerator<{ index: number; event: GenerationEvent }>;

async function* prepend(first: IteratorResult<{ index: number; event: GenerationEvent }>, rest: Events): Events {
  try {
    if (!first.done) yield first.value;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

async function* renderChunks(
  events: Events,
  { input, format, common }: Pick<Generations, 'input' | 'format'> & { common: object },
): AsyncGenerator<object> {
  const withUsage = input.stream_options?.include_usage === true;
  const render = (choices: object[], usage: object | null) => ({
    ...common,
    object: format.chunkObject,
    choices,
    ...(withUsage && { usage }),
  });
  const ends: End[] = [];
  const begun = new Set<number>();
  for await (const { index, event } of events) {
    if (event.kind === 'served') continue;
    if (event.kind === 'end') ends[index] = event;
    const parts = begun.has(index) ? [event] : (['begin', event] as const);
    begun.add(index);
    for (const part of parts) {
      const choice = format.chunk(index, part);
      if (choice) yield render([choice], null);
    }
  }
  if (withUsage) yield render([], renderUsage(ends, input.n ?? 1));
}

async function gather(events: Events, choices: number): Promise<{ deltas: Delta[][]; ends: End[] }> {
  const deltas: Delta[][] = Array.from({ length: choices }, () => []);
  const ends: End[] = [];
  for await (const { index, event } of events) {
    if (event.kind === 'end') ends[index] = event;
    else if (event.kind === 'delta') deltas[index]!.push(event);
  }
  return { deltas, ends };
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
async function* toEvents(chunks: AsyncGenerator<object>, requestId: string, left: AbortSignal): AsyncGenerator<string> {
  try {
    for await (const chunk of chunks) yield toEvent(chunk);
    yield 'data: [DONE]\n\n';
  } catch (cause) {
    if (left.aborted) return;
    const error = toServiceError(cause);
    log('error', 'a stream ended with an error', { requestId, errorCode: error.code, error: describeError(error) });
    yield toEvent(renderOpenaiError(error));
  }
}

function toEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
