import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { renderChat } from '../../functions/generation/chat-template.ts';
import { createTextCodec } from '../../functions/generation/text-codec.ts';
import { createTextStream } from '../../functions/generation/text-stream.ts';
import { gpt2Tokenizer } from '../tokenizer-files.ts';

const folder = fileURLToPath(new URL('../../../shared/data/preprocessing/', import.meta.url));
const skip = existsSync(folder) ? false : 'needs ../shared/data/preprocessing';
const read = (file: string) => readFileSync(folder + file, 'utf8');

suite("GPT-2's tokenizer in both directions", { skip }, () => {
  const codec = () =>
    createTextCodec(gpt2Tokenizer(JSON.parse(read('tokenizers/gpt2-vocab.json')), read('tokenizers/gpt2-merges.txt')), {
      bos_token: '<|endoftext|>',
      eos_token: { content: '<|endoftext|>' },
    });
  const cases = () => {
    const all = JSON.parse(read('tokenizer-cases.json')) as Record<
      string,
      Record<string, { text: string; ids: number[] }>
    >;
    return Object.entries({ ...all['Xenova/gpt2'], ...all['openai-community/gpt2'] }).filter(
      ([, each]) => !('text_pair' in each) && !each.text.includes('<|'),
    );
  };

  test("every text has Hugging Face's ids, and comes back from them, token by token too", () => {
    const { encodePrompt, decode, endId } = codec();
    assert.equal(endId, 50256);
    for (const [label, { text, ids }] of cases()) {
      assert.deepEqual(encodePrompt(text), ids, label);
      assert.equal(decode(ids), text, label);
      const stream = createTextStream(decode);
      assert.equal(ids.map((id) => stream.push(id)).join('') + stream.end(), text, label);
    }
  });

  test('a chat template opens turns with special tokens, and what a caller says does not', () => {
    const given = codec();
    const template =
      '{% for message in messages %}{{ bos_token }}{{ message.role }}: {{ message.content | trim }}\n{% endfor %}' +
      "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}";
    const messages = [{ role: 'user', content: ' hi <|endoftext|> you ' }];
    const rendered = given.encodeRendered(renderChat(template, messages, undefined, given));
    assert.equal(rendered.filter((id) => id === given.endId).length, 1);
    assert.equal(given.decode(rendered), 'user: hi <|endoftext|> you\nassistant:');
    assert.throws(() => renderChat("{{ raise_exception('roles must alternate') }}", messages, undefined, given), {
      code: 'invalid_request',
      message: /roles must alternate/,
    });
  });
});
