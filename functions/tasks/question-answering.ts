import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { EncodedText, EncodedTexts } from '../media/tokenizer.ts';
import type { Model } from '../registry/model-manifest.ts';
import { bestSpans, spanScores } from './answer-spans.ts';
import { characterCounter } from './characters.ts';
import { failAnswer, type NumericOutput } from './numeric-output.ts';
import type { WholeTask } from './task.ts';
import { encodeTexts, readMaxLength, readTokenizer } from './text-input.ts';
import { inferTexts, type TextRow } from './text-rows.ts';

const fromOne = 'a whole number from 1 is needed';
const positive = z.int(fromOne).min(1, fromOne);
const yesOrNo = z.boolean('true or false is needed');
const question = z.string('a text is needed').min(1, 'a text is needed');
const parametersSchema = z.strictObject({
  top_k: positive
    .max(100, 'a whole number up to 100 is needed')
    .default(1)
    .describe('How many answers are given, best first.'),
  doc_stride: z
    .int('a whole number from 0 is needed')
    .min(0, 'a whole number from 0 is needed')
    .optional()
    .describe('Tokens that the windows of a long context share; at most 128 and half a window where it is not given.'),
  max_answer_len: positive.default(15).describe('Most tokens of an answer.'),
  max_seq_len: positive.optional().describe('Most tokens of a window, the question among them.'),
  max_question_len: positive.default(64).describe('Most tokens of the question; what is over is cut off.'),
  handle_impossible_answer: yesOrNo.default(false).describe('Lets the answer be that there is none: an empty one.'),
  align_to_words: yesOrNo.default(true).describe('Answers begin and end with words.'),
});
const input = z.strictObject({
  inputs: z.strictObject({ question, context: question }),
  parameters: parametersSchema.prefault({}),
});

type Parameters = z.infer<typeof parametersSchema>;

interface Answer {
  score: number;
  readonly start: number;
  readonly end: number;
  readonly answer: string;
}

/**
 * A question and a text that answers it → `[{ answer, score, start, end }]`, with places in characters of the context. A
 * long context is read in windows. Source: transformers' QuestionAnsweringPipeline.
 */
export const questionAnswering: WholeTask<z.infer<typeof input>, Answer[]> = {
  name: 'question-answering',
  rawBody: 'text',
  input,
  async run({ inputs, parameters }, model, infer) {
    // Models that pad at the left read the context first.
    const contextFirst = readTokenizer(model).paddingSide === 'left';
    const encoded = encodeWindows(inputs, contextFirst, parameters, model);
    const rows = await inferTexts(encoded, model, infer, [['start_logits'], ['end_logits']]);
    const answers = readAnswers(rows, contextFirst ? 0 : 1, inputs.context, parameters, model);
    const count = characterCounter(inputs.context);
    return answers
      .sort((a, b) => b.score - a.score)
      .slice(0, parameters.top_k)
      .map(({ answer, score, start, end }) => ({ answer, score, start: count(start), end: count(end) }));
  },
};

function encodeWindows(
  { question, context }: z.infer<typeof input>['inputs'],
  contextFirst: boolean,
  { max_seq_len, doc_stride, max_question_len }: Parameters,
  model: Model,
): EncodedTexts {
  const maxLength = Math.min(max_seq_len ?? 384, readMaxLength(model) ?? 384);
  if (doc_stride !== undefined && doc_stride >= maxLength) {
    const message = `doc_stride ${doc_stride} is not less than the ${maxLength} tokens of a window`;
    throw new ServiceError('invalid_request', message);
  }
  const asked = encodeTexts([question], model).rows[0]!.tokens.filter((token) => token !== undefined).length;
  const room = maxLength - Math.min(max_question_len, asked) - 3;
  const usual = Math.min(maxLength >> 1, 128);
  // A long question leaves the windows of a short model too little room for that.
  const stride = doc_stride ?? (usual < room ? usual : Math.max(0, room >> 1));
  const common = { offsets: true, maxLength, stride };
  if (contextFirst) return encodeTexts([[context, question]], model, { ...common, truncation: 'only_first' });
  return encodeTexts([[question, context]], model, {
    ...common,
    truncation: 'only_second',
    maxFirst: max_question_len,
  });
}

function readAnswers(
  rows: readonly TextRow[],
  sequence: 0 | 1,
  context: string,
  parameters: Parameters,
  model: Model,
): Answer[] {
  const { clsId } = readTokenizer(model);
  const answers = new Map<string, Answer>();
  let none = Number.POSITIVE_INFINITY;
  for (const { row, outputs } of rows) {
    const allowed = row.ids.map((id, at) => {
      return row.mask[at] === 1 && (row.tokens[at]?.sequence === sequence || id === clsId);
    });
    const [start, end] = outputs.map((output) => spanScores(perPlace(output, row, model), allowed));
    none = Math.min(none, start![0]! * end![0]!);
    // The first place says that there is no answer.
    start![0] = 0;
    end![0] = 0;
    const most = parameters.align_to_words ? parameters.top_k * 2 + 10 : parameters.top_k;
    for (const span of bestSpans(start!, end!, { allowed, most, longest: parameters.max_answer_len })) {
      const place = placeOf(row, span.start, span.end, parameters.align_to_words);
      if (!place) continue;
      const text = context.slice(place.start, place.end);
      const known = answers.get(text.toLowerCase());
      // Windows overlap, and several spans align to one run of words.
      if (known) known.score += span.score;
      else answers.set(text.toLowerCase(), { answer: text, score: span.score, ...place });
    }
  }
  const found = [...answers.values()];
  return parameters.handle_impossible_answer ? [...found, { answer: '', score: none, start: 0, end: 0 }] : found;
}

/** A number for each token: an output [tokens], or [tokens, 1]. */
function perPlace({ name, shape, data }: NumericOutput, { ids }: EncodedText, model: Model): number[] {
  if (shape[0] === ids.length && data.length === ids.length) return Array.from(data);
  return failAnswer(model, `has ${name} [rows,${shape}]; [rows,${ids.length}] is needed`);
}

/** Where the tokens stand in the context; undefined: the span begins or ends with a special token. */
function placeOf({ tokens }: EncodedText, first: number, last: number, wholeWords: boolean) {
  const [begin, end] = [tokens[first], tokens[last]];
  if (!begin || !end) return undefined;
  if (!wholeWords) return { start: begin.start, end: end.end };
  const sameWord = (word: number) => tokens.filter((one) => one?.word === word && one.sequence === begin.sequence);
  return { start: sameWord(begin.word)[0]!.start, end: sameWord(end.word).at(-1)!.end };
}
