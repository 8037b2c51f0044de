import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ServiceError } from '../../../functions/errors.ts';
import { decodeInferResponse, encodeInferRequest } from '../../../functions/inference/binary-tensor.ts';
import { checkBinary, parseInferRequest } from '../../../functions/inference/parse-infer.ts';
import type { Datatype } from '../../../functions/inference/protocol.ts';
import {
  createBytesTensor,
  elementsOf,
  type NumericDatatype,
  numberToHalf,
} from '../../../functions/inference/tensor.ts';

const none = new Uint8Array(0);
const seed = 20_261_123;

function parse(text: string, binary: Uint8Array = none) {
  return parseInferRequest(Buffer.from(text), binary);
}

function input(datatype: Datatype, shape: number[], data: string): string {
  return `{"inputs":[{"name":"x","shape":[${shape}],"datatype":"${datatype}","data":${data}}]}`;
}

function elements(datatype: NumericDatatype, data: string, count: number): unknown[] {
  const [tensor] = parse(input(datatype, [count], data)).inputs;
  return Array.from<unknown>(elementsOf({ ...tensor!, datatype }));
}

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.tuple(fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }), fc.nat({ max: 30 })).map(([digits, point]) => {
    const text = String(digits < 0n ? -digits : digits).padStart(point + 1, '0');
    const fraction = point === 0 ? '' : `.${text.slice(text.length - point)}`;
    return `${digits < 0n ? '-' : ''}${text.slice(0, text.length - point)}${fraction}`;
  }),
  fc.tuple(fc.integer(), fc.constantFrom('e', 'E'), fc.integer({ min: -50, max: 30 })).map((parts) => parts.join('')),
);
const space = fc.constantFrom('', ' ', '\n', '\t ');

test('floats are those of JSON.parse and Math.fround, bit for bit', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(space, number, space), { minLength: 1 }), (parts) => {
      const text = `[${parts.map((part) => part.join('')).join(',')}]`;
      const expected = JSON.parse(text) as number[];
      assert.deepEqual(elements('FP64', text, expected.length), expected);
      if (expected.some((value) => !Number.isFinite(Math.fround(value)))) return;
      assert.deepEqual(elements('FP32', text, expected.length), expected.map(Math.fround));
    }),
    { seed, numRuns: 500 },
  );
});

test('decimals next to the middle of two floats round as Math.fround rounds them', () => {
  const halves = Array.from({ length: 500 }, (_, index) => {
    const float = Math.fround(1 + index / 499);
    const middle = float + 2 ** -24;
    return [middle, middle * (1 - 2 ** -52), middle * (1 + 2 ** -52)];
  }).flat();
  assert.deepEqual(elements('FP32', JSON.stringify(halves), halves.length), halves.map(Math.fround));
});

test('half-precision numbers round to the nearest, ties to even, as JavaScript rounds them', () => {
  fc.assert(
    fc.property(fc.double({ min: -65519, max: 65519, noNaN: true }), (value) => {
      const half = new Float16Array([value]);
      assert.equal(numberToHalf(value), new Uint16Array(half.buffer)[0]);
    }),
    { seed, numRuns: 2000 },
  );
  assert.deepEqual(elements('FP16', '[0.1,65519,6e-8]', 3), [0x2e66, 0x7bff, 0x0001]);
});

test('64-bit integers keep all their digits', () => {
  assert.deepEqual(elements('INT64', '[9007199254740993,-9223372036854775808,1e3]', 3), [
    9007199254740993n,
    -(2n ** 63n),
    1000n,
  ]);
  assert.deepEqual(elements('UINT64', '[18446744073709551615, 0]', 2), [2n ** 64n - 1n, 0n]);
});

test('nested arrays are read in row-major order, and the data may come before its datatype', () => {
  const [tensor] = parse('{"inputs":[{"data":[[1,2.0],[3,4]],"datatype":"INT32","shape":[2,2],"name":"x"}]}').inputs;
  assert.deepEqual(Array.from(elementsOf({ ...tensor!, datatype: 'INT32' })), [1, 2, 3, 4]);
});

test('a scalar is given bare or in an array, and zero-size tensors have none', () => {
  assert.deepEqual(parse(input('FP32', [], '7')).inputs, parse(input('FP32', [], '[7]')).inputs);
  assert.equal(parse(input('FP32', [2, 0], '[[],[]]')).inputs[0]?.data.length, 0);
});

test('millions of strings take no more memory than their bytes', () => {
  const before = process.memoryUsage().heapUsed;
  const { inputs } = parse(input('BYTES', [3_000_000], `[${'"",'.repeat(2_999_999)}"a"]`));
  const { length } = inputs[0]!.data;
  assert.equal(length, 12_000_001);
  checkBinary(inputs[0]!.data, 'BYTES', 3_000_000);
  assert.ok(process.memoryUsage().heapUsed - before < 100e6, `${process.memoryUsage().heapUsed - before} bytes`);
});

test('strings become UTF-8, escapes and all', () => {
  const given = ['', 'é"\\\n', 'a😀'];
  const [tensor] = parse(input('BYTES', [3], JSON.stringify(given))).inputs;
  assert.deepEqual(Buffer.from(tensor!.data), createBytesTensor('x', [3], given).data);
});

test('inputs in JSON and in binary stand in one request', () => {
  const { inputs } = parse(
    `{"id":"7","inputs":[{"name":"a","shape":[1],"datatype":"UINT8","parameters":{"binary_data_size":1}},
      {"name":"b","shape":[1],"datatype":"BOOL","data":[true]}]}`,
    Uint8Array.of(9),
  );
  assert.deepEqual(
    inputs.map(({ data }) => Array.from(data)),
    [[9], [1]],
  );
});

const refused: [what: string, text: string, message: RegExp, binary?: Uint8Array][] = [
  ['an unknown field', '{"inputs":[],"input":1}', /unknown field "input"; known are id, parameters, inputs/],
  ['an unknown field of a tensor', '{"inputs":[{"dtype":"FP32"}]}', /inputs\[0\] has the unknown field "dtype"/],
  ['an unknown datatype', input('INT322' as Datatype, [1], '[1]'), /datatype is "INT322"; known are BOOL, UINT8/],
  ['no datatype', '{"inputs":[{"name":"x","shape":[1],"data":[1]}]}', /inputs\[0\]\.datatype is missing/],
  ['no inputs', '{"id":"1"}', /"inputs" is missing/],
  ['a field given twice', '{"inputs":[],"inputs":[]}', /"inputs" is given twice/],
  ['a name given twice', input('INT8', [0], '[]').replace(/\[(\{.*\})\]\}$/, '[$1,$1]}'), /"x" is given twice/],
  ['too few elements', input('FP32', [2, 3], '[1,2]'), /data has 2 elements; shape \[2,3\] takes 6/],
  ['too many elements', input('FP32', [1], '[1,2]'), /data has 2 elements; shape \[1\] takes 1/],
  ['ragged arrays', input('FP32', [3], '[[1,2],[3]]'), /same lengths/],
  ['numbers beside arrays', input('FP32', [3], '[1,[2,3]]'), /same lengths/],
  ['arrays beside numbers', input('FP32', [3], '[[1,2],3]'), /same lengths/],
  [
    'a negative dimension',
    input('FP32', [-1], '[1]'),
    /dimension -1; whole numbers from 0 to 9007199254740991 are allowed/,
  ],
  [
    'a dimension that is an object',
    input('FP32', [], '[]').replace('[]', '[{"toString":1}]'),
    /dimension {"toString":1}; /,
  ],
  ['a dimension that is text', input('FP32', [], '[]').replace('[]', '["1"]'), /dimension "1"; whole numbers/],
  ['a dimension beyond all numbers', input('FP32', [], '[]').replace('[]', '[1e400]'), /dimension Infinity; whole/],
  [
    'a shape that overflows before what is no shape',
    input('FP32', [], '[]').replace('[]', '[4e12,{"toString":1}]'),
    /shape \[4000000000000,{"toString":1}\] of FP32 is more/,
  ],
  ['a shape that overflows', input('FP32', [2 ** 40, 2 ** 40, 0], '[]'), /more than 2147483648 bytes/],
  ['a rank beyond all bounds', input('FP32', Array(65).fill(1), '[1]'), /65 dimensions; at most 64/],
  ['NaN', input('FP32', [1], '[NaN]'), /FP32 takes a number, given NaN; JSON has no NaN.* binary data has/],
  ['a float out of range', input('FP32', [1], '[1e39]'), /FP32 takes finite numbers of its range, given 1e39/],
  ['a half out of range', input('FP16', [1], '[65520]'), /FP16 takes finite numbers/],
  ['an integer out of range', input('INT8', [1], '[128]'), /INT8 takes -128 to 127, given 128/],
  ['a long out of range', input('INT64', [1], '[9223372036854775808]'), /INT64 takes -9223372036854775808 to/],
  ['a fraction for an integer', input('INT32', [1], '[1.5]'), /INT32 takes a whole number, given 1\.5/],
  ['a string for a number', input('INT32', [1], '["1"]'), /INT32 takes a number/],
  ['a number for a string', input('BYTES', [1], '[1]'), /BYTES takes a string, given 1/],
  ['a number for a truth value', input('BOOL', [1], '[2]'), /BOOL takes true or false, given 2/],
  ['BF16 in JSON', input('BF16', [1], '[1]'), /BF16 has no JSON form/],
  ['half of a surrogate pair', input('BYTES', [1], '["\\ud800"]'), /half of a surrogate pair/],
  ['a leading zero', input('FP32', [1], '[01]'), /FP32 takes a number, given 01/],
  ['a trailing comma', input('FP32', [1], '[1,]'), /byte \d+/],
  ['a point without digits', input('FP32', [1], '[1.]'), /takes a number, given 1\./],
  ['text after the JSON', '{"inputs":[]}x', /ends at byte 13 of 14/],
  ['JSON nested too deep', `{"id":${'['.repeat(65)}${']'.repeat(65)},"inputs":[]}`, /deeper than 64/],
  ['data nested too deep', input('FP32', [1], `${'['.repeat(65)}1${']'.repeat(65)}`), /deeper than 64/],
  ['a parameter given twice', '{"inputs":[],"parameters":{"a":1,"a":2}}', /"a" is given twice/],
  ['a field given twice before binary data', '{"id":"a","inputs":[],"id":"b"}', /"id" is given twice/, Buffer.alloc(3)],
  [
    'a parameter given twice before binary data',
    '{"inputs":[{"name":"x","shape":[1],"datatype":"INT8","parameters":{"binary_data_size":1,"binary_data_size":3}}]}',
    /"binary_data_size" is given twice/,
    Buffer.alloc(3),
  ],
  [
    'JSON nested too deep before binary data',
    `{"parameters":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}},"inputs":[]}`,
    /deeper than 64/,
    Buffer.alloc(3),
  ],
  [
    'a shape of a million numbers',
    input('INT8', Array(1_000_000).fill(1), '[]'),
    /more than 65536 values; elements of tensors/,
  ],
  [
    'a list of outputs of a million objects before binary data',
    `{"outputs":[${'{},'.repeat(1_000_000)}{}],"inputs":[]}`,
    /a field has more than 65536 values/,
    Buffer.alloc(3),
  ],
  ['a parameter that is an object', '{"inputs":[],"parameters":{"a":{}}}', /parameters\.a is \{\}; a string, a finite/],
  [
    'a parameter beyond all numbers',
    '{"inputs":[],"parameters":{"a":1e400}}',
    /parameters\.a is Infinity; a string, a finite number/,
  ],
  [
    'bytes after the tensors',
    '{"inputs":[]}',
    /has 3 bytes after its JSON; the sum of binary_data_size is 0/,
    Buffer.alloc(3),
  ],
  [
    'a binary size beyond the body',
    '{"inputs":[{"name":"x","shape":[2],"datatype":"UINT8","parameters":{"binary_data_size":2}}]}',
    /binary_data_size is 2; the body has 1 bytes left/,
    Buffer.alloc(1),
  ],
  [
    'a binary size that is not the shape',
    '{"inputs":[{"name":"x","shape":[2],"datatype":"UINT8","parameters":{"binary_data_size":1}}]}',
    /binary data has 1; UINT8 of this shape takes 2 bytes/,
    Buffer.alloc(1),
  ],
  [
    'a BOOL byte of 2',
    '{"inputs":[{"name":"x","shape":[1],"datatype":"BOOL","parameters":{"binary_data_size":1}}]}',
    /other than 0 and 1/,
    Uint8Array.of(2),
  ],
  [
    'a BYTES element longer than its tensor',
    '{"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":4}}]}',
    /element 0 of a BYTES tensor ends after the tensor's 4 bytes/,
    Uint8Array.of(1, 0, 0, 0),
  ],
];

for (const [what, text, message, binary] of refused) {
  test(`${what} is refused with what was given and what is allowed`, () => {
    assert.throws(
      () => parse(text, binary),
      (error: unknown) => {
        assert.ok(error instanceof ServiceError);
        assert.equal(error.code, 'invalid_request');
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test('a header may hold a colon at the start of a string, and names of what every object has', () => {
  const described = (name: string) =>
    `{"parameters":{"__proto__":":","a" : "b"},"inputs":[{"name":"${name}","shape":[1],"datatype":"INT8","parameters":{"binary_data_size":1}}]}`;
  for (const name of ['x', ': x', '\\u0078']) {
    const { inputs, parameters } = parse(described(name), Uint8Array.of(5));
    assert.deepEqual([inputs[0]?.name, [...inputs[0]!.data]], [JSON.parse(`"${name}"`), [5]]);
    assert.equal(JSON.stringify(parameters), '{"__proto__":":","a":"b"}');
  }
});

test('no outputs, null and an empty list ask for all', () => {
  for (const outputs of ['', '"outputs":null,', '"outputs":[],']) {
    assert.equal(parse(`{${outputs}"inputs":[]}`).outputs, undefined);
  }
});

test('JSON that is not UTF-8 is refused', () => {
  assert.throws(() => parseInferRequest(Buffer.from('{"id":"\xff","inputs":[]}', 'latin1'), none), /not UTF-8/);
});

test('a malformed answer of a host is the model that failed, not the request', () => {
  assert.throws(() => decodeInferResponse(Buffer.from('{}'), 2), { code: 'model_failed' });
  assert.throws(() => decodeInferResponse(Buffer.from('{}'), 3), { code: 'model_failed' });
});

test('any mutation of a request is a request or a refusal', () => {
  const json = Buffer.from(
    '{"id":"a","parameters":{"p":1},"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[[1.5,-2],[3e2,4]]},' +
      '{"name":"s","datatype":"BYTES","shape":[1],"data":["a\\n"]}],"outputs":[{"name":"y","parameters":{"binary_data":true}}]}',
  );
  const floats = { name: 'x', datatype: 'FP32' as const, shape: [2], data: new Uint8Array(8) };
  const { body, headerLength } = encodeInferRequest({ inputs: [floats, createBytesTensor('s', [2], ['', 'abc'])] });
  const bodies = [
    [json, json.length],
    [body, headerLength],
  ] as const;
  const edit = fc.record({
    at: fc.nat(),
    byte: fc.nat({ max: 255 }),
    kind: fc.constantFrom('replace', 'insert', 'remove'),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...bodies),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      ([original, length], edits) => {
        const bytes = Array.from(original);
        for (const { at, byte, kind } of edits) {
          bytes.splice(at % bytes.length, kind === 'insert' ? 0 : 1, ...(kind === 'remove' ? [] : [byte]));
        }
        const mutated = Uint8Array.from(bytes);
        try {
          parseInferRequest(mutated.subarray(0, length), mutated.subarray(length));
        } catch (error) {
          if (!(error instanceof ServiceError) || error.status !== 400) throw error;
        }
      },
    ),
    { seed, numRuns: 5000 },
  );
});
