import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { createConstraint, createVocabulary } from '../../../functions/generation/constraint.ts';
import { type Grammar, startOf } from '../../../functions/generation/grammar.ts';
import { anyObject } from '../../../functions/generation/json-grammar.ts';
import { schemaGrammar } from '../../../functions/generation/json-schema.ts';
import { seededRandom } from '../../../functions/seeded-random.ts';

function accepts(grammar: Grammar, text: string): boolean {
  let state: ReturnType<typeof startOf> | undefined = startOf(grammar);
  for (const byte of Buffer.from(text)) state = state?.after(byte);
  return state?.accepting ?? false;
}

const person = {
  type: 'object',
  title: 'Person',
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 5 },
    age: { type: 'integer' },
    tags: { type: 'array', items: { enum: ['a', 'é"', 3, null] }, minItems: 1, maxItems: 2 },
    height: { anyOf: [{ type: 'number' }, { type: 'null' }] },
    friends: { type: 'array', items: { $ref: '#' } },
    kind: { const: { x: [1] } },
  },
  required: ['name', 'age'],
  additionalProperties: false,
};

test('a grammar accepts what the schema allows, in the order of its properties', () => {
  const grammar = schemaGrammar(person, 'schema');
  for (const text of [
    '{"name":"Ada","age":3}',
    '{"name": "\\u00e9\\n", "age": -12, "tags": ["a"]}',
    '{\n  "name": "ÄÖ𝄞",\n  "age": 0,\n  "height": 1.5e-3\n}',
    '{"name":"a","age":1,"tags":["é\\"",null],"height":null,"friends":[{"name":"b","age":2}],"kind":{"x":[1]}}',
  ]) {
    assert.ok(accepts(grammar, text), text);
    assert.ok(new Ajv2020().validate(person, JSON.parse(text)), text);
  }
  for (const text of [
    '{"age":3,"name":"Ada"}',
    '{"name":"Ada"}',
    '{"name":"","age":3}',
    '{"name":"abcdef","age":3}',
    '{"name":"Ada","age":3.5}',
    '{"name":"Ada","age":03}',
    '{"name":"Ada","age":3,"tags":[]}',
    '{"name":"Ada","age":3,"tags":["a","a","a"]}',
    '{"name":"Ada","age":3,"other":1}',
    '{"name":"\n","age":3}',
    '{"name":"\\ud800","age":3}',
    '{"name":"Ada","age":3}}',
  ]) {
    assert.ok(!accepts(grammar, text), text);
  }
});

test('json_object is any object, nested as deep as one likes', () => {
  for (const text of ['{}', '{"a":{"b":[1,true,null,"x",{}]}}', '{"a":[]}']) assert.ok(accepts(anyObject, text), text);
  for (const text of ['[]', '1', '{"a":}', '{"a":1,}', '{a:1}', '{"a":[1 2]}'])
    assert.ok(!accepts(anyObject, text), text);
});

/** Bytes, and tokens of several bytes that end within a character or within two parts of the text. */
const pieces = ['{"', '":', '": "', ', "', '"}', 'na', 'name', '"age":', 'tru', '\u00c3', '}\n', ' [', 'é"', '12'];
const tokens = [
  ...Array.from({ length: 256 }, (_, value) => Buffer.of(value)),
  ...pieces.map((text) => Buffer.from(text)),
];
const vocabulary = createVocabulary(new Map(tokens.map((bytes, id) => [id, bytes])));

test('whatever a model would say, held to a schema it writes what the schema allows', () => {
  const validate = new Ajv2020().compile(person);
  for (let seed = 0; seed < 60; seed++) {
    const random = seededRandom(String(seed));
    const constraint = createConstraint(schemaGrammar(person, 'schema'), vocabulary);
    const written: Buffer[] = [];
    let over = false;
    while (!over && written.length < 400) {
      const { allowed, any, ends } = constraint.next();
      const ids = tokens.map((_, id) => id).filter(allowed);
      assert.equal(any, ids.length > 0);
      // What nests or goes on is less likely than what closes: a random text would not end.
      const closing = ids.filter((id) => /^["\]}]/.test(tokens[id]!.toString()));
      const from = closing.length > 0 && random() < 0.7 ? closing : ids;
      over = ends && (from.length === 0 || random() < 0.9);
      if (over) break;
      const id = from[Math.floor(random() * from.length)]!;
      constraint.push(id);
      written.push(tokens[id]!);
    }
    if (!over) continue;
    const text = Buffer.concat(written);
    assert.equal(text.toString().includes('\ufffd'), false, `seed ${seed}`);
    assert.ok(validate(JSON.parse(text.toString())), `seed ${seed}: ${text}`);
  }
});

test('what cannot be followed is refused with its place and what can', () => {
  const refused = (schema: unknown, reason: RegExp) => {
    assert.throws(
      () => schemaGrammar(schema, 'schema'),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'invalid_request');
        assert.match(error.message, reason);
        return true;
      },
    );
  };
  refused(
    { type: 'object', properties: { age: { type: 'integer', minimum: 3 } } },
    /^schema\.properties\.age: 'minimum' cannot.*maxLength/,
  );
  refused({ type: 'strin' }, /^schema\.type: one of object/);
  refused({ anyOf: [{ type: 'string' }], type: 'object' }, /'type' cannot be followed beside 'anyOf'/);
  refused({ $ref: '#/$defs/none' }, /leads nowhere/);
  refused({ $ref: '#/%' }, /'#\/%' leads nowhere/);
  const long = 'x'.repeat(5000);
  refused({ $ref: `#/${long}` }, /^.{1,300}leads nowhere$/);
  refused({ properties: { [long]: { type: 'foo' } } }, /^.{1,300}one of object/);
  refused({ [long]: 1 }, /^.{1,300}cannot be followed; type/);
  refused({ $ref: 'https://example.com' }, /inside the schema/);
  refused({ type: 'string', enum: [1] }, /no value is of the type/);
  refused({ type: 'array', minItems: 3, maxItems: 2 }, /larger/);
  refused({ properties: { a: false } }, /schema \(an object, or true\)|schema/);
  refused({ enum: Array.from({ length: 6000 }, (_, each) => each), properties: {} }, /beside/);
  refused({ anyOf: [{ enum: Array.from({ length: 6000 }, (_, each) => each) }, true] }, /more than 5000 parts/);
  const circular = createConstraint(schemaGrammar({ $ref: '#' }, 'schema'), vocabulary);
  assert.throws(() => circular.next(), /no text fits/);
});

test('a model whose tokens lack a letter of the schema is told apart from one that writes it', () => {
  const few = createVocabulary(new Map([[0, Buffer.from('a')]]));
  assert.throws(() => createConstraint(anyObject, few).next(), /no tokens for one/);
});
