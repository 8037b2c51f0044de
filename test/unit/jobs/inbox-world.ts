import { createHash } from 'node:crypto';
import { createClaims } from '../../../functions/aws/claims.ts';
import type { Item, Table } from '../../../functions/aws/table.ts';
import { ServiceError } from '../../../functions/errors.ts';
import { answerUpload, type Upload } from '../../../functions/jobs/answer-upload.ts';
import { bertTokenizer } from '../../tokenizer-files.ts';
import { answer, testModel } from '../tasks/models.ts';

interface StoredObject {
  readonly body: Buffer;
  readonly versionId: string;
  readonly etag: string;
  readonly sequencer?: string;
}

/** What ends a worker at one of its calls. */
export class Killed extends Error {}

const tokenizer = bertTokenizer(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'good', 'bad']);
const ids = { name: 'input_ids', datatype: 'INT64' as const, shape: [-1, -1] };
const model = testModel({ 'tokenizer.json': tokenizer }, [ids], {
  task: 'text-classification',
  labels: ['negative', 'positive'],
});

/**
 * The data bucket and the table in memory, with S3's and DynamoDB's conditions. `call` is awaited before each effect is
 * carried out, and again before its caller is told: there it may wait, or throw to end the worker.
 */
export function createWorld() {
  const objects = new Map<string, StoredObject>();
  const items = new Map<string, Item>();
  /** Successful writes of each key. */
  const writes = new Map<string, number>();
  let versions = 0;
  let inferences = 0;

  const store = (key: string, body: Buffer, sequencer?: string) => {
    versions += 1;
    const etag = createHash('md5').update(body).digest('hex');
    objects.set(key, { body, versionId: `v${versions}`, etag, ...(sequencer && { sequencer }) });
    writes.set(key, (writes.get(key) ?? 0) + 1);
    return `v${versions}`;
  };
  const itemKey = ({ pk, sk }: { pk: string; sk: string }) => `${pk} ${sk}`;
  const table = {
    get: async (key) => items.get(itemKey(key)),
    putIf: async (item, { attribute, equals }) => {
      const current = items.get(itemKey(item));
      if (current && (equals === undefined || current[attribute] !== equals)) return false;
      items.set(itemKey(item), item);
      return true;
    },
  } as Pick<Table, 'get' | 'putIf'> as Table;
  const claims = createClaims(table);

  return {
    objects,
    writes,
    inferences: () => inferences,
    /** Uploads a file and gives what its event tells. */
    upload(key: string, body: Buffer): Upload {
      const versionId = store(key, body);
      return { key, versionId, sequencer: versions.toString(16).padStart(8, '0').toUpperCase() };
    },
    /** A worker gets a message. */
    answer(upload: Upload, messageId: string, call: () => Promise<void>, deadline: number): Promise<void> {
      const effect =
        <Arguments extends unknown[], Result>(work: (...given: Arguments) => Result | Promise<Result>) =>
        async (...given: Arguments): Promise<Result> => {
          await call();
          const result = await work(...given);
          await call();
          return result;
        };
      const effects = {
        readData: effect((key: string) => objects.get(key)?.body),
        findData: effect((key: string) => {
          const object = objects.get(key);
          return object && { ...object, size: object.body.length };
        }),
        writeData: effect((key: string, body: Uint8Array, { replaces, sequencer }) => {
          if (objects.get(key)?.etag !== replaces) return false;
          store(key, Buffer.from(body), sequencer);
          return true;
        }),
        removeData: effect((key: string, etag: string) => {
          if (objects.get(key)?.etag === etag) objects.delete(key);
        }),
        claim: effect(claims.claim),
        releaseClaim: effect(claims.release),
        findModel: effect((reference: string) => {
          if (reference === 'm') return model;
          throw new ServiceError('model_not_found', `no model is named '${reference}'`);
        }),
        infer: effect(() => {
          inferences += 1;
          return { response: answer([1, 2], [0, 1]) };
        }),
      };
      return answerUpload(upload, messageId, effects, deadline);
    },
  };
}
