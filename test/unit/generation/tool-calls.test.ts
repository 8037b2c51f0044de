import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tool } from '../../../functions/generation/generation.ts';
import { createCallReader, createToolReader, findToolFormat } from '../../../functions/generation/tool-calls.ts';

const tools: Tool[] = ['weather', 'time'].map((name) => ({ type: 'function', function: { name } }));
const templates = {
  hermes: '{% if tools %}… <tool_call> …{% endif %}',
  mistral: '{% if tools %}[TOOL_CALLS]{% endif %}',
  llama: 'Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}',
};

function read(template: keyof typeof templates, text: string, pieceLength: number, parallel = true) {
  let ids = 0;
  const format = findToolFormat(templates[template])!;
  const reader = createToolReader(format, { tools, parallel, createId: () => `id${ids++}` });
  let content = '';
  for (let at = 0; at < text.length; at += pieceLength) content += reader.push(text.slice(at, at + pieceLength));
  const { text: rest, toolCalls } = reader.end();
  return { content: content + rest, calls: toolCalls.map((call) => [call.id, call.name, call.arguments]) };
}

const paris = ['id0', 'weather', '{"city":"Pa<tool_call>ris}"}'];
const cases: [keyof typeof templates, string, { content: string; calls: unknown[] }][] = [
  [
    'hermes',
    'Let me see.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Pa<tool_call>ris}"}}\n</tool_call>\n<tool_call>{"name":"time","arguments":{}}</tool_call>',
    { content: 'Let me see.', calls: [paris, ['id1', 'time', '{}']] },
  ],
  ['hermes', '<tool_call>{"name":"time","arguments":{}}', { content: '', calls: [['id0', 'time', '{}']] }],
  [
    'hermes',
    '<tool_call>{"name":"dance","arguments":{}}</tool_call>',
    { content: '<tool_call>{"name":"dance","arguments":{}}</tool_call>', calls: [] },
  ],
  ['hermes', 'a <tool is no call ', { content: 'a <tool is no call ', calls: [] }],
  [
    'mistral',
    '[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Pa<tool_call>ris}"}}]',
    { content: '', calls: [paris] },
  ],
  [
    'mistral',
    '[TOOL_CALLS]weather[ARGS]{"city":"Pa<tool_call>ris}"}[TOOL_CALLS]time{}',
    { content: '', calls: [paris, ['id1', 'time', '{}']] },
  ],
  [
    'llama',
    '{"name": "weather", "parameters": {"city": "Pa<tool_call>ris}"}}; {"name": "time", "parameters": {}}',
    { content: '', calls: [paris, ['id1', 'time', '{}']] },
  ],
  ['llama', '<|python_tag|>{"name": "time", "parameters": {}}', { content: '', calls: [['id0', 'time', '{}']] }],
  ['llama', '{"answer": 42}', { content: '{"answer": 42}', calls: [] }],
  ['llama', 'It is {late}.', { content: 'It is {late}.', calls: [] }],
];

for (const [template, text, expected] of cases) {
  test(`calls of ${template} are read however the text is cut: ${text.slice(0, 40)}`, () => {
    for (const length of [1, 2, 3, 7, 1000])
      assert.deepEqual(read(template, text, length), expected, `pieces of ${length}`);
  });
}

test('without parallel calls the first one counts', () => {
  const text =
    '<tool_call>{"name":"time","arguments":{}}</tool_call><tool_call>{"name":"weather","arguments":{}}</tool_call>';
  assert.deepEqual(read('hermes', text, 5, false).calls, [['id0', 'time', '{}']]);
});

test('text before a call leaves as soon as it cannot belong to one', () => {
  const reader = createToolReader(findToolFormat(templates.hermes)!, { tools, parallel: true, createId: () => 'id' });
  assert.deepEqual(
    ['One ', 'moment', ' <to', 'ken'].map((text) => reader.push(text)),
    ['One', ' moment', '', ' <token'],
  );
});

test('a template of another kind has no format', () => {
  assert.equal(findToolFormat('{{ messages }}'), undefined);
});

test('a text that was held to be a call is one, and a part of one is text', () => {
  const options = { tools, parallel: true, createId: () => 'id' };
  const whole = createCallReader(options);
  assert.equal(whole.push('{"name":"time",'), '');
  whole.push('"arguments":{"zone":"CET"}}');
  assert.deepEqual(whole.end(), {
    text: '',
    toolCalls: [{ index: 0, id: 'id', name: 'time', arguments: '{"zone":"CET"}' }],
  });
  const cut = createCallReader(options);
  cut.push('{"name":"ti');
  assert.deepEqual(cut.end(), { text: '{"name":"ti', toolCalls: [] });
});
