import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { readConfig } from '../config.ts';
import { createCountedServices } from '../http/create-counted-services.ts';
import { jobServices } from '../http/job-services.ts';
import { publishBatch, readPublishMessage } from '../jobs/publish-batch.ts';
import { giveUpMessage, giveUpUpload, readWorkMessage, workOnMessage, workOnUpload } from '../jobs/work-on-message.ts';
import { eachMessage } from '../queue/each-message.ts';
import { keepReason } from '../queue/keep-reason.ts';
import { readObjectEvents } from '../queue/read-object-events.ts';

const services = createCountedServices(readConfig(process.env));
const effects = { ...services, ...jobServices(services) };

const keep = keepReason('run-batch', services);

/** Kept back of the function's time for writing the outcome down. */
const reserveMilliseconds = 10_000;

/** Job asked for -> chunks -> preprocess -> infer -> results. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const deadline = Date.now() + context.getRemainingTimeInMillis() - reserveMilliseconds;
  const work = async ({ body, messageId }: SQSRecord) => {
    const batch = readPublishMessage(body);
    if (batch) return await publishBatch(batch, effects);
    const message = readWorkMessage(body);
    if (message) return await workOnMessage(message, messageId, effects, deadline);
    for (const upload of readObjectEvents(body)) await workOnUpload(upload, effects);
  };
  return await eachMessage(event, work, giveUp);
}

async function giveUp(record: SQSRecord, reason: string, error: unknown): Promise<void> {
  await keep(record, reason, error);
  // Whoever asks for the batch asks for its files again.
  if (readPublishMessage(record.body)) return;
  const message = readWorkMessage(record.body);
  if (message) return await giveUpMessage(message, error, effects);
  for (const upload of readObjectEvents(record.body)) await giveUpUpload(upload, error, effects);
}
