import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import * as z from 'zod';
import { taskExamples } from '../../commands/task-examples.ts';
import { tasks } from '../../functions/tasks/index.ts';
import type { TaskName } from '../../functions/tasks/task-names.ts';
import type { OnnxGraph } from '../onnx-model.ts';
import { bertTokenizer } from '../tokenizer-files.ts';
import { lookupGraph, startHost } from '../unit/tasks/hosted-task.ts';

const folder = fileURLToPath(new URL('../../../shared/data/hugging-face/', import.meta.url));
const skip = existsSync(folder) ? false : 'needs ../shared/data/hugging-face';
const host = startHost();
after(() => host.close());

const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'ada', 'wrote', 'it', '.'];
const assets = { 'tokenizer.json': bertTokenizer(words) };
const vectors = words.map((_, at) => [at, 1, at === 5 ? 9 : 0]);

/** The best class of a pair: the largest of its words. */
const pairs: OnnxGraph = {
  ...lookupGraph({ tokens: vectors }),
  nodes: [
    ...lookupGraph({ tokens: vectors }).nodes,
    { op: 'ReduceMax', inputs: ['tokens'], outputs: ['logits'], attributes: { axes: [1], keepdims: 0 } },
  ],
  outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, 3] }],
};

const graphs: Partial<Record<TaskName, OnnxGraph>> = {
  'token-classification': lookupGraph({ logits: vectors }),
  'feature-extraction': lookupGraph({ last_hidden_state: vectors }),
  'fill-mask': lookupGraph({ logits: words.map(() => words.map((_, at) => at)) }),
  'question-answering': lookupGraph({ start_logits: words.map((_, at) => at), end_logits: words.map((_, at) => at) }),
  'zero-shot-classification': pairs,
  'sentence-similarity': lookupGraph({ last_hidden_state: vectors }),
};

suite('answers and examples are what Hugging Face’s schemas describe', { skip }, () => {
  for (const name of skip ? [] : (Object.keys(graphs) as TaskName[])) {
    test(name, async () => {
      const { body, output } = taskExamples[name];
      const model = await host.open(graphs[name]!, assets, { labels: ['O', 'B-PER', 'I-PER'] });
      const answer = await model.ask(name, body);
      assert.ok(Array.isArray(answer) && answer.length > 0, 'there is an answer');
      check(name, 'input', body);
      check(name, 'output', answer);
      check(name, 'output', output);
    });
  }

  const others = [
    ...(['image-classification', 'object-detection', 'image-segmentation', 'video-classification'] as const),
    ...(['text-classification', 'audio-classification', 'automatic-speech-recognition'] as const),
  ];
  for (const name of skip ? [] : others) {
    test(`${name}: the example`, () => {
      // Hugging Face's client insists on the outer brackets of text-classification, its schema does not know them.
      const { output } = taskExamples[name];
      check(name, 'output', name === 'text-classification' ? (output as unknown[])[0] : output);
    });
  }

  for (const name of skip ? [] : [...(Object.keys(graphs) as TaskName[]), ...others]) {
    test(`${name} takes every parameter that its schema names`, () => {
      const { $defs = {}, properties } = schema(`${name}/spec/input.json`) as HuggingFaceInput;
      const theirs = Object.values($defs).find(({ title }) => title?.endsWith('Parameters'));
      const given = z.toJSONSchema(tasks[name].input, { unrepresentable: 'any', io: 'input' }) as HuggingFaceInput;
      const { parameters, ...beside } = given.properties;
      const known = Object.keys({ ...beside, ...parameters?.properties });
      const wanted = Object.keys({ ...properties, ...theirs?.properties }).filter((key) => key !== 'parameters');
      assert.deepEqual(
        wanted.filter((key) => !known.includes(key)),
        [],
      );
    });
  }
});

interface HuggingFaceInput {
  readonly properties: Readonly<Record<string, { readonly properties?: object } | undefined>>;
  readonly $defs?: Readonly<Record<string, { readonly title?: string; readonly properties?: object }>>;
}

function check(name: TaskName, part: 'input' | 'output', value: unknown): void {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema(schema('common-definitions.json'), '/inference/schemas/common-definitions.json');
  const validate = ajv.compile(schema(`${name}/spec/${part}.json`));
  assert.ok(validate(value), `${name} ${part}: ${ajv.errorsText(validate.errors)}`);
}

function schema(path: string): object {
  // The schema of fill-mask's output names what its own clients read as token_str.
  const text = readFileSync(folder + path, 'utf8').replaceAll('"tokenStr"', '"token_str"');
  const { $id: _id, $schema: _schema, ...rest } = JSON.parse(text) as Record<string, unknown>;
  return rest;
}
