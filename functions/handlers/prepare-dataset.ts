import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { readConfig } from '../config.ts';
import { createServices } from '../create-services.ts';
import { continueRun, type Delivery, planDataset } from '../datasets/run/prepare-dataset.ts';
import { workSchema } from '../datasets/run/run.ts';
import { NoAnswer } from '../no-answer.ts';
import { eachMessage, isLastAttempt } from '../queue/each-message.ts';
import { keepReason } from '../queue/keep-reason.ts';
import { readObjectEvents } from '../queue/read-object-events.ts';
import { parseRawKey } from '../storage/object-keys.ts';

const services = createServices(readConfig(process.env));

const keep = keepReason('prepare-dataset', services);

/** Kept back of the function's time for writing the outcome down. */
const reserveMilliseconds = 30_000;

/** dataset.json uploaded -> clean, transform, augment, split -> shards, manifest and profile under prepared/. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const deadline = Date.now() + context.getRemainingTimeInMillis() - reserveMilliseconds;
  return await eachMessage(event, (message) => prepare(message, { deadline }), giveUp);
}

async function prepare(message: SQSRecord, about: Pick<Delivery, 'deadline' | 'noAnswer'>): Promise<void> {
  const { body, messageId } = message;
  const delivery = { messageId, last: isLastAttempt(message), now: Date.now, ...about };
  const work = workSchema.safeParse(JSON.parse(body));
  if (work.success) return await continueRun(work.data, delivery, services);
  for (const { key, versionId, sequencer, eventTime } of readObjectEvents(body)) {
    const { dataset, path } = parseRawKey(key) ?? {};
    if (dataset === undefined || path !== 'dataset.json') continue;
    await planDataset({ dataset, versionId, sequencer, uploadedAt: eventTime }, delivery, services);
  }
}

async function giveUp(message: SQSRecord, reason: string, error: unknown): Promise<void> {
  await keep(message, reason, error);
  if (error instanceof NoAnswer) await prepare(message, { deadline: 0, noAnswer: error });
}
