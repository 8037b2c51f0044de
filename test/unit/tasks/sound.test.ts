import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseInput } from '../../../functions/http/parse-input.ts';
import type { Datatype, InferRequest, InferResponse, TensorMetadata } from '../../../functions/inference/protocol.ts';
import { createTensor, numbersOf } from '../../../functions/inference/tensor.ts';
import type { Model } from '../../../functions/registry/model-manifest.ts';
import { audioClassification } from '../../../functions/tasks/audio-classification.ts';
import { automaticSpeechRecognition } from '../../../functions/tasks/automatic-speech-recognition.ts';
import { runTask, type Task } from '../../../functions/tasks/task.ts';
import { writePcm16 } from '../../wav.ts';
import { answer, testModel } from './models.ts';

const metadata = (name: string, shape: number[], datatype: Datatype = 'FP32'): TensorMetadata => ({
  name,
  datatype,
  shape,
});
const samples = { sampling_rate: 16_000 };
const silence = (length: number) => writePcm16(new Float32Array(length));

/** Runs a task with a function in the model's place; the requests that it saw come back too. */
async function ask<Input, Output>(
  task: Task<Input, Output>,
  body: Record<string, unknown>,
  model: Model,
  respond: (request: InferRequest, index: number) => InferResponse,
): Promise<{ output: Output; requests: InferRequest[] }> {
  const requests: InferRequest[] = [];
  const output = await runTask(task, parseInput(task.input, body), model, async (request) => {
    requests.push(request);
    return respond(request, requests.length - 1);
  });
  return { output, requests };
}

function valuesOf(request: InferRequest, name: string): number[] {
  const tensor = request.inputs.find((input) => input.name === name);
  return Array.from(numbersOf(tensor as Parameters<typeof numbersOf>[0]), Number);
}

suite('audio-classification', () => {
  test('a sound becomes [1, samples], the answer labels with scores', async () => {
    const model = testModel({}, [metadata('input_values', [-1, -1])], {
      preprocessing: samples,
      labels: ['no', 'yes'],
    });
    const inputs = writePcm16([0.5, -0.25]);
    const { output, requests } = await ask(audioClassification, { inputs }, model, () =>
      answer([1, 2], [0, Math.log(3)]),
    );
    assert.deepEqual(requests[0]!.inputs[0]!.shape, [1, 2]);
    assert.deepEqual(valuesOf(requests[0]!, 'input_values'), [0.5, -0.25]);
    assert.deepEqual(
      output.map(({ label, score }) => [label, Math.round(score * 1e6) / 1e6]),
      [
        ['yes', 0.75],
        ['no', 0.25],
      ],
    );
  });

  test('the sound may come in base64, and be asked for fewer labels', async () => {
    const model = testModel({}, [metadata('x', [1, -1])], { preprocessing: samples });
    const inputs = `data:audio/wav;base64,${Buffer.from(silence(10)).toString('base64')}`;
    const parameters = { top_k: 1, function_to_apply: 'none' };
    const { output } = await ask(audioClassification, { inputs, parameters }, model, () => answer([1, 3], [1, 3, 2]));
    assert.deepEqual(output, [{ label: 'LABEL_1', score: 3 }]);
  });

  test('a spectrogram gets the axes, the mask and the datatype that the graph declares', async () => {
    const config = { feature_extractor_type: 'MelSpectrogram', n_mels: 4, n_fft: 64, hop_length: 32, max_length: 320 };
    const inputs = [metadata('input_features', [1, 1, 4, -1], 'FP16'), metadata('attention_mask', [-1, -1], 'INT64')];
    const model = testModel({ 'preprocessor_config.json': config }, inputs);
    const { requests } = await ask(audioClassification, { inputs: silence(160) }, model, () => answer([1, 1], [0]));
    assert.deepEqual(
      requests[0]!.inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
      [
        { name: 'input_features', datatype: 'FP16', shape: [1, 1, 4, 11] },
        { name: 'attention_mask', datatype: 'INT64', shape: [1, 11] },
      ],
    );
    assert.deepEqual(valuesOf(requests[0]!, 'attention_mask'), [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
  });

  test('a recurrent model is driven along the sound with its state, context and constants', async () => {
    const preprocessing = {
      sampling_rate: 16_000,
      constants: { sr: 16_000 },
      recurrent: { chunk_samples: 4, context_samples: 2, state: { h: 'hn' } },
      function_to_apply: 'none',
    };
    const inputs = [metadata('x', [-1, -1]), metadata('h', [2, -1, 1]), metadata('sr', [], 'INT64')];
    const model = testModel({}, inputs, { preprocessing, labels: ['speech'] });
    const sound = Array.from({ length: 10 }, (_, i) => (i + 1) / 16);
    const { output, requests } = await ask(audioClassification, { inputs: writePcm16(sound) }, model, (_, index) => ({
      model_name: 'm',
      model_version: '1',
      outputs: [
        createTensor('hn', 'FP32', [2, 1, 1], Float32Array.of(index + 1, index + 2)),
        createTensor('probability', 'FP32', [1, 1], Float32Array.of(index / 4)),
      ],
    }));
    assert.deepEqual(
      requests.map((request) => valuesOf(request, 'x').map((value) => value * 16)),
      [
        [0, 0, 1, 2, 3, 4],
        [3, 4, 5, 6, 7, 8],
        [7, 8, 9, 10, 0, 0],
      ],
    );
    assert.deepEqual(
      requests.map((request) => valuesOf(request, 'h')),
      [
        [0, 0],
        [1, 2],
        [2, 3],
      ],
    );
    assert.deepEqual(valuesOf(requests[2]!, 'sr'), [16_000]);
    assert.deepEqual(output, [
      { label: 'speech', score: 0, timestamp: [0, 4 / 16_000] },
      { label: 'speech', score: 0.25, timestamp: [4 / 16_000, 8 / 16_000] },
      { label: 'speech', score: 0.5, timestamp: [8 / 16_000, 10 / 16_000] },
    ]);
  });

  test('a package that does not fit its graph is model_failed and says how', async () => {
    const refused = (inputs: TensorMetadata[], preprocessing: object | undefined, message: RegExp) =>
      assert.rejects(
        ask(audioClassification, { inputs: silence(100) }, testModel({}, inputs, { preprocessing }), () =>
          answer([1, 1], [0]),
        ),
        { code: 'model_failed', message },
      );
    const [x, h] = [metadata('x', [1, -1]), metadata('h', [1, 1])];
    await refused([x], undefined, /neither preprocessor_config\.json nor preprocessing/);
    await refused([x, h], samples, /inputs x, h: all but one must be named in constants or state/);
    await refused([x], { ...samples, constants: { sr: 1 } }, /no input 'sr'/);
    await refused([metadata('x', [1, -1], 'BYTES')], samples, /takes x as BYTES/);
    await refused([metadata('x', [3, -1])], samples, /makes x \[1,100\]; its graph takes \[3,-1\]/);
    await refused([x, h], { ...samples, recurrent: { chunk_samples: 50, state: { h: 'hn' } } }, /no output 'hn'/);
    await refused([x], { ...samples, recurrent: { chunks: 50 } }, /recurrent/);
  });
});

suite('automatic-speech-recognition', () => {
  const vocabulary = { '<pad>': 0, '|': 1, h: 2, i: 3, o: 4 };
  const assets = { 'vocab.json': vocabulary, 'config.json': { conv_stride: [5, 2] } };
  const model = testModel(assets, [metadata('input_values', [-1, -1])], { preprocessing: samples });
  /** Frames of 10 samples; the letter of each is told. */
  const spoken = (letters: string): InferResponse => {
    const rows = [...letters].map((letter) => Object.keys(vocabulary).map((token) => (token[0] === letter ? 9 : 0)));
    return answer([1, letters.length, 5], rows.flat());
  };

  test('the text is that of the best tokens, words apart', async () => {
    const { output } = await ask(automaticSpeechRecognition, { inputs: silence(100) }, model, () =>
      spoken('<h<i|||<o'),
    );
    assert.deepEqual(output, { text: 'hi o' });
  });

  test('return_timestamps gives words or characters in seconds', async () => {
    const at = async (return_timestamps: unknown) => {
      const body = { inputs: silence(100), parameters: { return_timestamps } };
      return (await ask(automaticSpeechRecognition, body, model, () => spoken('<hhi|<oo<'))).output;
    };
    const word = (text: string, from: number, to: number) => ({ text, timestamp: [from / 1600, to / 1600] });
    assert.deepEqual(await at(true), { text: 'hi o', chunks: [word('hi', 1, 4), word('o', 6, 8)] });
    assert.deepEqual(await at('char'), {
      text: 'hi o',
      chunks: [word('h', 1, 3), word('i', 3, 4), word(' ', 4, 5), word('o', 6, 8)],
    });
  });

  test('num_beams searches a beam', async () => {
    const parameters = { generation_parameters: { num_beams: 5 } };
    const body = { inputs: silence(20), parameters };
    const rows = [
      [0.4, 0, 0.3, 0.3, 0],
      [0.4, 0, 0.35, 0.25, 0],
    ].map((row) => row.map((value) => Math.log(value + 1e-9)));
    const { output } = await ask(automaticSpeechRecognition, body, model, () => answer([1, 2, 5], rows.flat()));
    assert.deepEqual(output, { text: 'h' });
    await assert.rejects(
      ask(automaticSpeechRecognition, { ...body, parameters: { ...parameters, return_timestamps: true } }, model, () =>
        spoken('h'),
      ),
      { code: 'invalid_request', message: /num_beams 1/ },
    );
  });

  test('a long sound is read in chunks whose overlap is cut away', async () => {
    // Sample i is i / 1000, so that a chunk tells where it begins; frame f of the whole sound holds this letter.
    const letters = '<h<i|h<i|o<o|h<i<o|i<h<i';
    const sound = writePcm16(
      Float32Array.from({ length: letters.length * 10 }, (_, i) => i / 1000),
      1000,
    );
    const slow = testModel(assets, [metadata('input_values', [-1, -1])], { preprocessing: { sampling_rate: 1000 } });
    const parameters = { chunk_length_s: 0.1, stride_length_s: [0.01, 0.02], return_timestamps: 'char' };
    const { output, requests } = await ask(
      automaticSpeechRecognition,
      { inputs: sound, parameters },
      slow,
      (request) => {
        const values = valuesOf(request, 'input_values');
        const first = Math.round(values[0]! * 100);
        return spoken(letters.slice(first, first + values.length / 10));
      },
    );
    assert.deepEqual(
      requests.map(({ inputs }) => inputs[0]!.shape),
      [
        [1, 100],
        [1, 100],
        [1, 100],
      ],
    );
    const whole = await ask(
      automaticSpeechRecognition,
      { inputs: sound, parameters: { return_timestamps: 'char' } },
      slow,
      () => spoken(letters),
    );
    assert.deepEqual(output, whole.output);
    assert.equal(output.text, 'hi hi oo hio ihi');
  });

  test('labels of model.json stand in for vocab.json, tokenizer_config.json names the blank and the case', async () => {
    const config = { pad_token: { content: '_' }, word_delimiter_token: ' ', do_lower_case: true };
    const other = testModel({ 'tokenizer_config.json': config }, [metadata('x', [1, -1])], {
      preprocessing: samples,
      labels: ['A', ' ', 'B', '_'],
    });
    const rows = [0, 3, 0, 1, 2].flatMap((id) => [0, 1, 2, 3].map((other) => (other === id ? 1 : 0)));
    const { output } = await ask(automaticSpeechRecognition, { inputs: silence(50) }, other, () =>
      answer([1, 5, 4], rows),
    );
    assert.deepEqual(output, { text: 'aa b' });
  });

  test('answers and packages that are no CTC recogniser’s are model_failed', async () => {
    const refused = (assets: Record<string, unknown>, response: InferResponse, message: RegExp) => {
      const wrong = testModel(assets, [metadata('x', [1, -1])], { preprocessing: samples });
      return assert.rejects(
        ask(automaticSpeechRecognition, { inputs: silence(50) }, wrong, () => response),
        {
          code: 'model_failed',
          message,
        },
      );
    };
    await refused(assets, answer([1, 5], [0, 0, 0, 0, 0]), /CTC outputs \[1, frames, vocabulary\] are needed/);
    await refused(assets, answer([1, 1, 3], [0, 0, 0]), /3 numbers a frame for 5 tokens/);
    await refused({ 'vocab.json': { a: 0 } }, answer([1, 1, 1], [0]), /has no blank/);
    await refused({ 'vocab.json': ['a'] }, answer([1, 1, 1], [0]), /vocab\.json that cannot be read/);
  });

  test('parameters that make no sense are the caller’s fault', async () => {
    const refused = (parameters: object, message: RegExp) =>
      assert.rejects(
        async () => ask(automaticSpeechRecognition, { inputs: silence(50), parameters }, model, () => spoken('h')),
        {
          code: 'invalid_request',
          message,
        },
      );
    await refused({ chunk_length_s: 1, stride_length_s: 0.5 }, /not longer than their strides/);
    await refused({ generation_parameters: { num_beams: 0 } }, /num_beams is 0/);
    await refused({ language: 'en' }, /unknown field 'language'/);
  });
});
