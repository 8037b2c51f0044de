import type { TaskName } from '../tasks/task-names.ts';

/** What the records of a task are: files of one kind, texts, or rows `{ column: value }`. */
export type RecordKind = 'picture' | 'sound' | 'video' | 'file' | 'text' | 'row';

/** What a label is: one class or several, a number, a text, objects with boxes, or JSON that the task knows. */
export type LabelKind = 'class' | 'number' | 'text' | 'boxes' | 'json';

export const taskRecords: Readonly<Record<TaskName, { readonly record: RecordKind; readonly label: LabelKind }>> = {
  'image-classification': { record: 'picture', label: 'class' },
  'object-detection': { record: 'picture', label: 'boxes' },
  'image-segmentation': { record: 'picture', label: 'json' },
  'image-to-image': { record: 'picture', label: 'json' },
  'image-feature-extraction': { record: 'picture', label: 'json' },
  'video-classification': { record: 'video', label: 'class' },
  'file-classification': { record: 'file', label: 'class' },
  'text-classification': { record: 'text', label: 'class' },
  'token-classification': { record: 'text', label: 'json' },
  'feature-extraction': { record: 'text', label: 'json' },
  'fill-mask': { record: 'text', label: 'text' },
  'question-answering': { record: 'row', label: 'json' },
  'zero-shot-classification': { record: 'text', label: 'class' },
  'sentence-similarity': { record: 'row', label: 'json' },
  'audio-classification': { record: 'sound', label: 'class' },
  'automatic-speech-recognition': { record: 'sound', label: 'text' },
  'tabular-classification': { record: 'row', label: 'class' },
  'tabular-regression': { record: 'row', label: 'number' },
};

/** Labels of these tasks point into the text: it may not change. */
export const labelsPointIntoText: readonly TaskName[] = ['token-classification', 'question-answering'];

/** Shards of files are archives; the others are JSON lines. */
export function shardFormatOf(kind: RecordKind): 'tar' | 'jsonl' {
  return kind === 'text' || kind === 'row' ? 'jsonl' : 'tar';
}
