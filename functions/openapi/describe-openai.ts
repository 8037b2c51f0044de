import * as z from 'zod';
import { lineProblemSchema } from '../jobs/request-line.ts';
import { type Descriptions, json } from './description.ts';

const model = z.object({ id: z.string(), object: z.literal('model'), created: z.int(), owned_by: z.string() });
const usage = z.object({ prompt_tokens: z.int().min(0), total_tokens: z.int().min(0) });
const embeddings = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      object: z.literal('embedding'),
      index: z.int().min(0),
      embedding: z.union([z.array(z.number()), z.string().describe('Floats, little-endian, in base64.')]),
    }),
  ),
  model: z.string(),
  usage,
});
const generated = <Choice extends z.ZodRawShape>(object: string, choice: Choice) =>
  z.object({
    id: z.string(),
    object: z.literal(object),
    created: z.int(),
    model: z.string(),
    choices: z.array(z.object({ index: z.int().min(0), finish_reason: z.string(), ...choice })),
    usage: usage.extend({ completion_tokens: z.int().min(0) }),
  });
const chat = generated('chat.completion', {
  message: z.object({ role: z.literal('assistant'), content: z.string().nullable() }),
});
const completion = generated('text_completion', { text: z.string() });
const versionHeader = { 'x-lambent-model-version': 'The version that answered.' };
const answerHeaders = {
  ...versionHeader,
  'x-lambent-served-by': 'The host that stood in for the one that should have answered.',
};
/** Whole, or as server-sent events. */
const streamed = (schema: z.ZodType) =>
  ({
    answers: { 200: { 'application/json': schema, 'text/event-stream': 'text' } },
    headers: versionHeader,
  }) as const;

const transcript = z.object({ text: z.string() });
const verboseTranscript = z.object({
  text: z.string(),
  language: z.string(),
  duration: z.number(),
  words: z.array(z.object({ word: z.string(), start: z.number(), end: z.number() })).optional(),
  segments: z.array(z.object({ id: z.int(), start: z.number(), end: z.number(), text: z.string() })).optional(),
});

const file = z.object({
  id: z.string(),
  object: z.literal('file'),
  bytes: z.int().min(0),
  created_at: z.int(),
  expires_at: z.int().optional(),
  filename: z.string(),
  purpose: z.string(),
  status: z.literal('processed'),
});
const listOf = <Each extends z.ZodType>(each: Each) =>
  json(
    z.object({
      object: z.literal('list'),
      data: z.array(each),
      first_id: z.string(),
      last_id: z.string(),
      has_more: z.boolean(),
    }),
  );
const upload = z.object({
  id: z.string(),
  object: z.literal('upload'),
  bytes: z.int(),
  created_at: z.int(),
  expires_at: z.int(),
  filename: z.string(),
  purpose: z.string(),
  status: z.enum(['pending', 'completed', 'cancelled', 'expired']),
  file: file.nullable(),
  url: z.string().optional().describe('Takes one PUT of the whole content, past the API, in place of parts.'),
});
const part = z.object({ id: z.string(), object: z.literal('upload.part'), created_at: z.int(), upload_id: z.string() });

const batch = z.object({
  id: z.string(),
  object: z.literal('batch'),
  endpoint: z.string(),
  input_file_id: z.string(),
  completion_window: z.literal('24h'),
  status: z.string(),
  created_at: z.int(),
  expires_at: z.int(),
  output_file_id: z.string().optional(),
  error_file_id: z.string().optional(),
  errors: z.object({ object: z.literal('list'), data: z.array(lineProblemSchema) }).optional(),
  request_counts: z.object({ total: z.int(), completed: z.int(), failed: z.int() }),
});

const uploads = z.object({
  object: z.literal('list'),
  data: z.array(z.object({ path: z.string(), method: z.literal('PUT'), url: z.string() })),
  expires_in: z.int(),
});

export const openaiDescriptions: Descriptions = {
  'GET /v1/models': json(z.object({ object: z.literal('list'), data: z.array(model) })),
  'GET /v1/models/{model}': json(model),
  'POST /v1/embeddings': { ...json(embeddings), headers: answerHeaders },
  'POST /v1/chat/completions': streamed(chat),
  'POST /models/{model}/v1/chat/completions': streamed(chat),
  'POST /v1/completions': streamed(completion),
  'POST /models/{model}/v1/completions': streamed(completion),
  'POST /v1/audio/transcriptions': {
    answers: {
      200: {
        'application/json': z.union([transcript, verboseTranscript]),
        'text/plain': 'text',
        'text/event-stream': 'text',
      },
    },
    headers: answerHeaders,
  },
  'POST /v1/files': json(file),
  'GET /v1/files': listOf(file),
  'GET /v1/files/{file}': json(file),
  'GET /v1/files/{file}/content': {
    answers: { 200: { 'application/octet-stream': 'bytes' }, 302: null },
    headers: { location: 'Where a file of more than 32 MB is read.' },
  },
  'DELETE /v1/files/{file}': json(z.object({ id: z.string(), object: z.literal('file'), deleted: z.literal(true) })),
  'POST /v1/uploads': json(upload),
  'POST /v1/uploads/{upload}/parts': json(part),
  'POST /v1/uploads/{upload}/complete': json(upload),
  'POST /v1/uploads/{upload}/cancel': json(upload),
  'POST /v1/batches': json(batch),
  'GET /v1/batches': listOf(batch),
  'GET /v1/batches/{batch}': json(batch),
  'POST /v1/batches/{batch}/cancel': json(batch),
  'POST /v1/models/{model}/versions/{version}/uploads': json(uploads),
};
