import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { createElements, createTensor, type NumericDatatype } from '../inference/tensor.ts';
import { readByteWindow } from '../media/byte-window.ts';
import type { Model } from '../registry/model-manifest.ts';
import { type ClassificationScore, classificationParameters, readScores } from './classification.ts';
import { fileInput } from './file-input.ts';
import { checkShape, onlyInput } from './model-input.ts';
import type { Task } from './task.ts';

const input = z.strictObject({ inputs: fileInput('a file'), parameters: classificationParameters.prefault({}) });

const count = z.int().min(0).max(1_000_000).default(0);

/** What model.json's `preprocessing` says of a network that looks at the bytes of a file. */
const settingsSchema = z.object({
  bytes: z.strictObject({
    beginning: count,
    middle: count,
    end: count,
    block: count.default(4096),
    padding: z.int().default(0),
    strip: z.boolean().default(false),
  }),
  function_to_apply: classificationParameters.shape.function_to_apply,
});

/** A file of any kind → labels with scores, best first, by some of its bytes: `[{ label, score }]`. */
export const fileClassification: Task<z.infer<typeof input>, ClassificationScore[]> = {
  name: 'file-classification',
  rawBody: 'bytes',
  input,
  async preprocess({ inputs: file }, model) {
    if (file.length === 0) throw new ServiceError('invalid_request', 'the file is empty');
    const tensor = onlyInput(model);
    const { datatype, shape } = tensor;
    const bytes = readByteWindow(file, readSettings(model).bytes);
    if (datatype === 'BYTES' || datatype === 'FP16' || datatype === 'BF16' || datatype === 'BOOL') {
      throw new ServiceError(
        'model_failed',
        `the graph takes ${tensor.name} as ${datatype}; bytes become whole numbers or FP32`,
      );
    }
    const elements = createElements(datatype as NumericDatatype, bytes.length);
    const isBig = elements instanceof BigInt64Array || elements instanceof BigUint64Array;
    if (isBig) elements.set(bytes.map(BigInt));
    else elements.set(bytes);
    const made = createTensor(tensor.name, datatype, shape.length === 1 ? [bytes.length] : [1, bytes.length], elements);
    return { inputs: [checkShape(made, tensor, model)] };
  },
  postprocess(response, { parameters }, model) {
    const { function_to_apply } = readSettings(model);
    return readScores(response, 1, { function_to_apply, ...parameters }, model)[0]!;
  },
};

function readSettings({ manifest }: Model): z.infer<typeof settingsSchema> {
  const parsed = settingsSchema.safeParse(manifest.preprocessing ?? {});
  if (parsed.success) return parsed.data;
  const reason = z.prettifyError(parsed.error);
  throw new ServiceError('model_failed', `preprocessing of model ${manifest.name} cannot be read: ${reason}`);
}
