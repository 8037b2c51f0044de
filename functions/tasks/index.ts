import { audioClassification } from './audio-classification.ts';
import { automaticSpeechRecognition } from './automatic-speech-recognition.ts';
import { featureExtraction } from './feature-extraction.ts';
import { fileClassification } from './file-classification.ts';
import { fillMask } from './fill-mask.ts';
import { imageClassification } from './image-classification.ts';
import { imageFeatureExtraction } from './image-feature-extraction.ts';
import { imageSegmentation } from './image-segmentation.ts';
import { imageToImage } from './image-to-image.ts';
import { objectDetection } from './object-detection.ts';
import { questionAnswering } from './question-answering.ts';
import { sentenceSimilarity } from './sentence-similarity.ts';
import { tabularClassification } from './tabular-classification.ts';
import { tabularRegression } from './tabular-regression.ts';
import type { Task, WholeTask } from './task.ts';
import { type TaskName, textGeneration } from './task-names.ts';
import { textClassification } from './text-classification.ts';
import { tokenClassification } from './token-classification.ts';
import { videoClassification } from './video-classification.ts';
import { zeroShotClassification } from './zero-shot-classification.ts';

/** The task that prepares a model's tensors; undefined: it has none, or generates texts. */
export function findTask(name: TaskName | typeof textGeneration | undefined) {
  return name === undefined || name === textGeneration ? undefined : tasks[name];
}

/** The tasks by Hugging Face's name. What a task's `input` schema lets through is what its `preprocess` takes. */
export const tasks: Readonly<Record<TaskName, Task<unknown, unknown> | WholeTask<unknown, unknown>>> = {
  'image-classification': imageClassification,
  'object-detection': objectDetection,
  'image-segmentation': imageSegmentation,
  'image-to-image': imageToImage,
  'image-feature-extraction': imageFeatureExtraction,
  'video-classification': videoClassification,
  'file-classification': fileClassification,
  'text-classification': textClassification,
  'token-classification': tokenClassification,
  'feature-extraction': featureExtraction,
  'fill-mask': fillMask,
  'question-answering': questionAnswering,
  'zero-shot-classification': zeroShotClassification,
  'sentence-similarity': sentenceSimilarity,
  'audio-classification': audioClassification,
  'automatic-speech-recognition': automaticSpeechRecognition,
  'tabular-classification': tabularClassification,
  'tabular-regression': tabularRegression,
};
