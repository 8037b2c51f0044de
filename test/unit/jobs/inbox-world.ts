import { ServiceError } from '../../../functions/errors.ts';
import { answerUpload, type Upload } from '../../../functions/jobs/answer-upload.ts';
import { bertTokenizer } from '../../tokenizer-files.ts';
import { answer, testModel } from '../tasks/models.ts';
import { type Call, createStorage, effect } from './memory-storage.ts';

const tokenizer = bertTokenizer(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'good', 'bad']);
const ids = { name: 'input_ids', datatype: 'INT64' as const, shape: [-1, -1] };
export const model = testModel({ 'tokenizer.json': tokenizer }, [ids], {
  task: 'text-classification',
  labels: ['negative', 'positive'],
});

/** What `<model>` means here. */
export function findTestModel(reference: string) {
  if (reference.split('@')[0] === 'm') return model;
  throw new ServiceError('model_not_found', `no model is named '${reference}'`);
}

export type Broken = Partial<Parameters<typeof answerUpload>[2]>;

/** Workers of the inbox, with what they work on in memory. */
export function createWorld() {
  const { objects, writes, store, sequencer, services } = createStorage();
  let inferences = 0;
  return {
    objects,
    writes,
    inferences: () => inferences,
    /** Uploads a file and gives what its event tells. */
    upload(key: string, body: Buffer): Upload {
      const versionId = store(key, body);
      return { key, versionId, sequencer: sequencer() };
    },
    /** A worker gets a message. `broken` stands in for effects that fail. */
    answer(upload: Upload, messageId: string, call: Call, deadline: number, broken: Broken = {}): Promise<void> {
      const effects = {
        ...services(call),
        findModel: effect(call, findTestModel),
        infer: effect(call, () => {
          inferences += 1;
          return { response: answer([1, 2], [0, 1]) };
        }),
        ...broken,
      };
      return answerUpload(upload, messageId, effects, deadline);
    },
  };
}
