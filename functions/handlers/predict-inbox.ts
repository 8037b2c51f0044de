import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { readConfig } from '../config.ts';
import { createCountedServices } from '../http/create-counted-services.ts';
import { findModel } from '../http/find-model.ts';
import { answerUpload } from '../jobs/answer-upload.ts';
import { eachMessage } from '../queue/each-message.ts';
import { keepReason } from '../queue/keep-reason.ts';
import { readObjectEvents } from '../queue/read-object-events.ts';

const services = createCountedServices(readConfig(process.env));
const effects = { ...services, findModel: (reference: string) => findModel(reference, undefined, services) };

const giveUp = keepReason('predict-inbox', services);

/** Kept back of the function's time for writing the answer down. */
const reserveMilliseconds = 10_000;

/** File uploaded to inbox/ -> preprocess -> infer -> answer in outbox/. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const deadline = Date.now() + context.getRemainingTimeInMillis() - reserveMilliseconds;
  const work = async ({ body, messageId }: SQSRecord) => {
    for (const { key, versionId, sequencer } of readObjectEvents(body)) {
      await answerUpload({ key, versionId, sequencer }, messageId, effects, deadline);
    }
  };
  return await eachMessage(event, work, giveUp);
}
