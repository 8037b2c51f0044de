import { ServiceError } from '../../../functions/errors.ts';
import type { InferRequest } from '../../../functions/inference/protocol.ts';
import { elementsOf } from '../../../functions/inference/tensor.ts';
import type { JobRequest } from '../../../functions/jobs/job.ts';
import type { ErrorLine, ResultLine } from '../../../functions/jobs/result-lines.ts';
import { type ResultsManifest, resultsManifestSchema } from '../../../functions/jobs/results-manifest.ts';
import { giveUpMessage, giveUpUpload, workOnMessage, workOnUpload } from '../../../functions/jobs/work-on-message.ts';
import { jobKey } from '../../../functions/storage/object-keys.ts';
import { answer } from '../tasks/models.ts';
import { findTestModel, model } from './inbox-world.ts';
import { type Call, createStorage, effect } from './memory-storage.ts';

/** A message of run-batch's queue: an upload's, or its own. */
export type Message = { readonly id: string } & (
  | { readonly upload: string }
  | { readonly job: string; readonly attempt: number; readonly chunk?: number; readonly owner?: string }
);

const calm: Call = async () => {};
const later = () => Date.now() + 1e9;

/** What a model host does with a request besides answering it. */
export type Host = (request: InferRequest, texts: readonly bigint[][]) => void | Promise<void>;

/** Workers of jobs, with what they work on in memory. The queue keeps messages until they are taken. */
export function createJobsWorld({ host = () => {} }: { host?: Host } = {}) {
  const storage = createStorage();
  const queue: Message[] = [];
  let sent = 0;
  let rows = 0;
  const send = (messages: readonly object[]) => {
    for (const message of messages) queue.push({ ...message, id: `message ${sent++}` } as Message);
  };

  const effectsAt = (call: Call) => ({
    ...storage.services(call),
    sendWork: effect(call, (_name: string, messages: readonly object[]) => send(messages)),
    findModel: effect(call, findTestModel),
    readModel: effect(call, () => model),
    checkEndpoint(endpoint: string) {
      if (endpoint !== '/v1/echo') throw new ServiceError('invalid_request', 'no such endpoint');
    },
    answerEndpoint: effect(call, (_endpoint: string, body: unknown) => ({ status_code: 200, body })),
    continueText: effect(call, (_model: unknown, input: unknown) => input),
    infer: effect(call, async (_model: unknown, request: InferRequest) => {
      const [ids] = request.inputs;
      const [count = 0, length = 0] = ids!.shape;
      const all = Array.from(elementsOf({ ...ids!, datatype: 'INT64' }));
      const texts = Array.from({ length: count }, (_, row) => all.slice(row * length, (row + 1) * length));
      await host(request, texts);
      rows += count;
      // Ids 5 and 6 are `good` and `bad`.
      const logits = texts.flatMap((text) => [
        text.filter((id) => id === 6n).length,
        text.filter((id) => id === 5n).length,
      ]);
      return { response: answer([count, 2], logits) };
    }),
    hostWaits: [],
  });
  const effects = effectsAt(calm);

  const work = async (message: Message, call = calm, deadline = later()) => {
    const at = effectsAt(call);
    if ('upload' in message) return await workOnUpload(eventOf(message.upload), at);
    return await workOnMessage(message, message.id, at, deadline);
  };

  return {
    ...storage,
    effects,
    queue,
    /** Rows that the model was asked for. */
    rows: () => rows,
    work,
    /** Drops jobs/<job>.json. */
    drop(job: string, request: JobRequest | string): void {
      storage.store(jobKey(job), Buffer.from(typeof request === 'string' ? request : JSON.stringify(request)));
      send([{ upload: job }]);
    },
    giveUp(message: Message, error: unknown): Promise<void> {
      if ('upload' in message) return giveUpUpload(eventOf(message.upload), error, effects);
      return giveUpMessage(message, error, effects);
    },
    /** Works until no message is left; what throws is given up at once. */
    async drain(): Promise<void> {
      for (let message = queue.shift(); message; message = queue.shift()) {
        const current = message;
        await work(current).catch((error) => this.giveUp(current, error));
      }
    },
    manifest(job: string): ResultsManifest {
      return resultsManifestSchema.parse(JSON.parse(String(storage.objects.get(`results/${job}/manifest.json`)?.body)));
    },
    results(job: string): ResultLine[] {
      return this.manifest(job).parts.flatMap(({ key }) => lines<ResultLine>(storage.objects.get(key)!.body));
    },
    errors(job: string): ErrorLine[] {
      const { errors } = this.manifest(job);
      return errors === undefined ? [] : lines<ErrorLine>(storage.objects.get(errors)!.body);
    },
  };
}

function eventOf(job: string) {
  return { key: jobKey(job), eventTime: '2026-11-27T05:00:00.000Z' };
}

function lines<Line>(body: Buffer): Line[] {
  const texts = body.toString('utf8').split('\n').slice(0, -1);
  return texts.map((text) => JSON.parse(text) as Line);
}
