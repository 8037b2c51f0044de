import { randomBytes } from 'node:crypto';
import { toServiceError } from '../errors.ts';
import { readDecoder, stepInputs } from '../generation/decoder.ts';
import { generate, type NextLogits } from '../generation/generate.ts';
import type { GenerationEvent } from '../generation/generation.ts';
import { createTextCodec, type TextCodec } from '../generation/text-codec.ts';
import type { Tensor } from '../inference/protocol.ts';
import { type NumericDatatype, numbersOf } from '../inference/tensor.ts';
import { describeError, log } from '../log.ts';
import type { ModelManifest } from '../registry/model-manifest.ts';
import { packageSource } from '../registry/package-source.ts';
import { readAssets } from '../registry/read-assets.ts';
import { seededRandom } from '../seeded-random.ts';
import type { GenerateEvent, GenerateLine } from './generate-event.ts';
import type { ModelHost, Sequence } from './model-host.ts';

/** Models whose tokenizers are kept. */
const keptTexts = 8;

interface ModelTexts {
  readonly assets: Readonly<Record<string, unknown>>;
  readonly codec: TextCodec;
}

type ReadArtifact = (key: string) => Promise<Buffer>;

/** Answers generate events on `host`, each as lines of JSON that come as the tokens do. */
export function createGenerator(host: ModelHost, readArtifact: ReadArtifact) {
  const kept = new Map<string, Promise<ModelTexts>>();

  const readTexts = (id: string, manifest: ModelManifest): Promise<ModelTexts> => {
    const texts = kept.get(id) ?? loadTexts(manifest, readArtifact);
    kept.delete(id);
    kept.set(id, texts);
    texts.catch(() => kept.delete(id));
    if (kept.size > keptTexts) kept.delete(kept.keys().next().value!);
    return texts;
  };

  async function* run({ manifest, deadline, request }: GenerateEvent): AsyncGenerator<GenerationEvent> {
    const source = packageSource(manifest, readArtifact);
    const sequence = await host.openSequence(source, deadline);
    try {
      const next = nextLogits(sequence, deadline);
      const { codec, assets } = await readTexts(source.id, manifest);
      const random = seededRandom(String(request.seed ?? randomBytes(8).toString('hex')));
      yield* generate(request, { codec, assets, next, createId: createCallId }, random);
    } finally {
      sequence.close();
    }
  }

  return async function* answerGenerateEvent(event: GenerateEvent): AsyncGenerator<string> {
    try {
      for await (const line of run(event)) yield render(line);
    } catch (error) {
      const { code, message, cause, retryAfterSeconds } = toServiceError(error);
      if (cause !== undefined) log('error', message, { errorCode: code, error: describeError(cause) });
      yield render({
        kind: 'error',
        error: { code, message, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) },
      });
    }
  };
}

async function loadTexts(manifest: ModelManifest, readArtifact: ReadArtifact): Promise<ModelTexts> {
  const assets = await readAssets(manifest, readArtifact);
  return { assets, codec: createTextCodec(assets['tokenizer.json'], assets['tokenizer_config.json']) };
}

/** Nine letters and digits: Mistral's chat templates insist on them when a caller sends the call back. */
function createCallId(): string {
  return randomBytes(16)
    .toString('base64')
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(0, 9)
    .padEnd(9, '0');
}

function render(line: GenerateLine): string {
  return `${JSON.stringify(line)}\n`;
}

/** The model's prediction behind each step; a graph without states reads the whole text every time. */
function nextLogits(sequence: Sequence, deadline: number): NextLogits {
  const decoder = readDecoder(sequence.metadata.inputs, sequence.metadata.outputs);
  const stateless = Object.keys(decoder.carry).length === 0;
  const seen: number[] = [];
  return async (ids) => {
    const past = stateless ? 0 : seen.length;
    seen.push(...ids);
    const given = stateless ? seen : ids;
    const size = decoder.stepLength > 0 && !stateless ? decoder.stepLength : given.length;
    let logits: Tensor | undefined;
    for (let at = 0; at < given.length; at += size) {
      const inputs = stepInputs(decoder, given.slice(at, at + size), past + at);
      logits = await sequence.step(inputs, decoder.logits, decoder.carry, deadline);
    }
    return numbersOf(logits as Tensor & { datatype: NumericDatatype }) as ArrayLike<number>;
  };
}
