/** Hugging Face's names of the tasks that Lambent serves; file-classification is ours. */
export const taskNames = [
  'image-classification',
  'object-detection',
  'image-segmentation',
  'image-to-image',
  'image-feature-extraction',
  'video-classification',
  'file-classification',
  'text-classification',
  'token-classification',
  'feature-extraction',
  'fill-mask',
  'question-answering',
  'zero-shot-classification',
  'sentence-similarity',
  'audio-classification',
  'automatic-speech-recognition',
  'tabular-classification',
  'tabular-regression',
] as const;

/** Hugging Face's name of what decoders do. They are asked over /v1, token by token, and have no tensors to prepare. */
export const textGeneration = 'text-generation';

export type TaskName = (typeof taskNames)[number];
