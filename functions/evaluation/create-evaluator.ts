import type { TaskName } from '../tasks/task-names.ts';
import { AnswerEvaluator } from './evaluate-answers.ts';
import { ClassificationEvaluator } from './evaluate-classification.ts';
import { DetectionEvaluator } from './evaluate-detection.ts';
import { EntityEvaluator } from './evaluate-entities.ts';
import { MultiLabelEvaluator } from './evaluate-multi-label.ts';
import { RegressionEvaluator } from './evaluate-regression.ts';
import { SegmentationEvaluator } from './evaluate-segmentation.ts';
import { SimilarityEvaluator } from './evaluate-similarity.ts';
import { SpeechEvaluator } from './evaluate-speech.ts';
import { WordEvaluator } from './evaluate-words.ts';
import type { Evaluator } from './evaluator.ts';

/** The evaluator of a task for so many records; undefined: labels of this task cannot be compared with its answers. */
export function createEvaluator(task: TaskName, records: number, firstLabel: unknown): Evaluator | undefined {
  switch (task) {
    case 'image-classification':
    case 'video-classification':
    case 'file-classification':
    case 'text-classification':
    case 'audio-classification':
    case 'tabular-classification':
    case 'zero-shot-classification':
      return Array.isArray(firstLabel) ? new MultiLabelEvaluator(records) : new ClassificationEvaluator(records);
    case 'tabular-regression':
      return new RegressionEvaluator(records);
    case 'automatic-speech-recognition':
      return new SpeechEvaluator(records);
    case 'object-detection':
      return new DetectionEvaluator(records);
    case 'token-classification':
      return new EntityEvaluator(records);
    case 'question-answering':
      return new AnswerEvaluator(records);
    case 'image-segmentation':
      return new SegmentationEvaluator(records);
    case 'sentence-similarity':
      return new SimilarityEvaluator();
    case 'fill-mask':
      return new WordEvaluator(records);
    case 'feature-extraction':
    case 'image-feature-extraction':
    case 'image-to-image':
      return undefined;
  }
}
