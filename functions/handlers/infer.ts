import { Readable } from 'node:stream';
import { readConfig } from '../config.ts';
import { createServices } from '../create-services.ts';
import { letHeapGrow } from '../heap-growth.ts';
import { answerInferEvent } from '../host/answer-infer-event.ts';
import { createModelHost } from '../host/create-model-host.ts';
import type { GenerateEvent } from '../host/generate-event.ts';
import type { InferEvent } from '../host/infer-event.ts';
import { renderInferAnswer } from '../host/infer-payload.ts';
import { sendBody } from '../http/stream-response.ts';

letHeapGrow({ withBuffers: false });
const config = readConfig(process.env);
const { readArtifact } = createServices(config);
const host = createModelHost({ cacheBytes: config.MODEL_CACHE_BYTES });
let generator: ReturnType<typeof loadGenerator> | undefined;

/** Tokenizers and templates are loaded with the first text that is asked for: others do not wait for them. */
async function loadGenerator() {
  const { createGenerator } = await import('../host/answer-generate-event.ts');
  return createGenerator(host, readArtifact);
}

async function answer(event: InferEvent | GenerateEvent): Promise<Buffer | Readable> {
  if (event.operation !== 'generate') return renderInferAnswer(await answerInferEvent(event, host, readArtifact));
  generator ??= loadGenerator();
  return Readable.from((await generator)(event), { objectMode: true, highWaterMark: 1 });
}

/** Infer event -> model package -> ONNX Runtime -> answer. Texts leave as they are generated; Invoke gathers a stream. */
export const handler = awslambda.streamifyResponse<InferEvent | GenerateEvent>(async (event, stream) => {
  await sendBody(stream, await answer(event));
});
