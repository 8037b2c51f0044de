import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { EncodedTexts } from '../media/tokenizer.ts';
import type { Model } from '../registry/model-manifest.ts';
import type { Services } from '../services.ts';
import { embedRows, encodeForEmbedding } from '../tasks/embed-texts.ts';
import { toUnitLength } from '../tasks/pooling.ts';
import { answeringModel } from './answering-model.ts';
import { callerOf, findModel } from './find-model.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { readJson } from './read-json.ts';

const maxBodyBytes = 4 * 2 ** 20;
const maxInputs = 2048;

const form = `a text, a list of token ids, or a list of up to ${maxInputs} of either is needed`;
const ids = z.array(z.int(form).min(0, form), form).min(1, form).max(8192, form);
const list = <Each extends z.ZodType>(each: Each) => z.array(each, form).min(1, form).max(maxInputs, form);
const input = z.object({
  model: z.string('the name of a model is needed').min(1, 'the name of a model is needed'),
  input: z.union([z.string(form), ids, list(z.string(form)), list(ids)], form),
  encoding_format: z.enum(['float', 'base64'], "'float' or 'base64' is needed").nullish(),
  dimensions: z.int('a whole number from 1 is needed').min(1, 'a whole number from 1 is needed').nullish(),
});

/** Embeddings. Source: https://github.com/openai/openai-openapi, CreateEmbeddingRequest. */
export const openaiEmbeddingRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/embeddings',
    summary: 'Embeds texts',
    body: input,
    errorFormat: 'openai',
    maxBodyBytes,
    handle: embed,
  },
];

async function embed(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const given = readJson(request, input);
  const model = await findModel(given.model, undefined, services, callerOf(request));
  checkTask(model);
  const { infer, headers } = answeringModel(model, request, services);
  const vectors: number[][] = [];
  let tokens = 0;
  for (const encoded of encode(given.input, model)) {
    tokens += encoded.rows.reduce((sum, { mask }) => sum + mask.reduce((ones, one) => ones + one, 0), 0);
    for (const embedding of await embedRows(encoded, model, infer)) {
      vectors.push(shorten(asVector(embedding, model), given.dimensions ?? undefined));
    }
  }
  const base64 = given.encoding_format === 'base64';
  const data = vectors.map((vector, index) => ({
    object: 'embedding',
    index,
    embedding: base64 ? Buffer.from(new Float32Array(vector).buffer).toString('base64') : vector,
  }));
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return { status: 200, headers, body: { object: 'list', data, model: given.model, usage } };
}

/** Texts share runs; ids that the caller has made himself go as they are, each list alone. */
function encode(given: z.infer<typeof input>['input'], model: Model): EncodedTexts[] {
  if (typeof given === 'string') return [encodeForEmbedding([given], model)];
  if (typeof given[0] === 'string') return [encodeForEmbedding(given as string[], model)];
  const lists = typeof given[0] === 'number' ? [given as number[]] : (given as number[][]);
  return lists.map((list) => ({
    length: list.length,
    padded: false,
    rows: [
      {
        ids: list,
        typeIds: list.map(() => 0),
        mask: list.map(() => 1),
        tokens: list.map(() => undefined),
        text: 0,
      },
    ],
  }));
}

function checkTask({ manifest: { name, task } }: Model): void {
  if (task === 'feature-extraction' || task === 'sentence-similarity') return;
  const what = task ? `its task is ${task}` : 'it has no task';
  throw new ServiceError('invalid_request', `model ${name} embeds no texts: ${what}; feature-extraction is needed`);
}

function asVector(embedding: number[] | number[][], model: Model): number[] {
  if (typeof embedding[0] === 'number') return embedding as number[];
  const reason = 'gives a vector for each token; one for a text needs 1_Pooling/config.json in the package';
  throw new ServiceError('invalid_request', `model ${model.manifest.name} ${reason}`);
}

/** The first numbers of a vector, at length 1 again: of use for models that were trained to be cut. */
function shorten(vector: number[], dimensions = vector.length): number[] {
  if (dimensions === vector.length) return vector;
  if (dimensions < vector.length) return toUnitLength(vector.slice(0, dimensions));
  throw new ServiceError('invalid_request', `dimensions is ${dimensions}; the model's vectors have ${vector.length}`);
}
