import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Model } from '../registry/model-manifest.ts';
import type { Services } from '../services.ts';
import type { Transcript, TranscriptChunk } from '../tasks/automatic-speech-recognition.ts';
import { tasks } from '../tasks/index.ts';
import { runOffLoop } from '../threads/run-off-loop.ts';
import { answeringModel } from './answering-model.ts';
import { callerOf, findModel } from './find-model.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { refuse } from './openai-sampling.ts';
import { parseInput } from './parse-input.ts';
import { formFile, readMultipart } from './read-multipart.ts';
import { renderSrt, renderVtt, toSegments } from './transcript-segments.ts';

/** API Gateway's limit; Lambda's, of 6 MB in base64, comes first. */
const maxBodyBytes = 10_485_760;

const formats = ['json', 'text', 'srt', 'verbose_json', 'vtt'] as const;
const hint = 'A hint, which models with CTC outputs have no use for.';
const input = z.object({
  file: formFile,
  model: z.string('the name of a model is needed').min(1, 'the name of a model is needed'),
  response_format: z.enum(formats, `one of ${formats.join(', ')} is needed`).default('json'),
  timestamp_granularities: z
    .array(z.enum(['word', 'segment'], "'word' or 'segment' is needed"), "a list of 'word' and 'segment' is needed")
    .default(['segment']),
  stream: z.enum(['true', 'false'], 'true or false is needed').default('false'),
  language: z.string().optional().describe(hint),
  prompt: z.string().optional().describe(hint),
  temperature: z.string().optional().describe(hint),
  include: z.array(z.string()).default([]),
});

/** Transcriptions. Source: https://github.com/openai/openai-openapi, CreateTranscriptionRequest. */
export const openaiTranscriptionRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/audio/transcriptions',
    summary: 'Writes down what is spoken',
    form: input,
    errorFormat: 'openai',
    maxBodyBytes,
    handle: transcribe,
  },
];

async function transcribe(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const given = await readMultipart(request, input);
  const timed = given.response_format !== 'json' && given.response_format !== 'text';
  refuse({ include: given.include.length > 0 }, 'nothing can be included');
  refuse({ stream: given.stream === 'true' && timed }, 'only the formats json and text are streamed');
  const model = await findModel(given.model, undefined, services, callerOf(request));
  checkTask(model);
  const parameters = timed ? { return_timestamps: 'word', return_scores: true } : {};
  const asked = parseInput(tasks['automatic-speech-recognition'].input, { inputs: given.file.bytes, parameters });
  const { infer, headers } = answeringModel(model, request, services);
  const heard = (await runOffLoop('automatic-speech-recognition', asked, model, infer)) as Transcript;
  const { type, body } = given.stream === 'true' ? renderEvents(heard) : render(heard, given);
  return { status: 200, headers: { ...headers, 'content-type': type }, body };
}

function checkTask({ manifest: { name, task } }: Model): void {
  if (task === 'automatic-speech-recognition') return;
  const what = task ? `its task is ${task}` : 'it has no task';
  throw new ServiceError(
    'invalid_request',
    `model ${name} hears no speech: ${what}; automatic-speech-recognition is needed`,
  );
}

const text = 'text/plain; charset=utf-8';

function render(heard: Transcript, given: z.infer<typeof input>): { type: string; body: string } {
  const words = heard.chunks ?? [];
  switch (given.response_format) {
    case 'json':
      return { type: 'application/json', body: JSON.stringify({ text: heard.text }) };
    case 'text':
      return { type: text, body: `${heard.text}\n` };
    case 'srt':
      return { type: text, body: renderSrt(toSegments(words)) };
    case 'vtt':
      return { type: text, body: renderVtt(toSegments(words)) };
    case 'verbose_json':
      return { type: 'application/json', body: JSON.stringify(renderVerbose(heard, words, given)) };
  }
}

function renderVerbose(heard: Transcript, words: readonly TranscriptChunk[], given: z.infer<typeof input>): object {
  const seconds = heard.duration ?? 0;
  const wanted = given.timestamp_granularities;
  return {
    task: 'transcribe',
    // Models with CTC outputs tell no language.
    language: given.language ?? 'unknown',
    duration: seconds,
    text: heard.text,
    ...(wanted.includes('word') && {
      words: words.map(({ text: word, timestamp: [start, end] }) => ({ word, start, end })),
    }),
    ...(wanted.includes('segment') && { segments: toSegments(words) }),
    usage: { type: 'duration', seconds: Math.ceil(seconds) },
  };
}

/** A model with CTC outputs hears the sound as a whole: its text is one event, and the end another. */
function renderEvents(heard: Transcript): { type: string; body: string } {
  const events = [
    { type: 'transcript.text.delta', delta: heard.text },
    { type: 'transcript.text.done', text: heard.text },
  ];
  const body = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
  return { type: 'text/event-stream; charset=utf-8', body };
}
