import type { TaskName } from '../functions/tasks/task-names.ts';

interface TaskExample {
  readonly summary: string;
  /** What is sent: JSON, or curl's arguments for a file. */
  readonly body: object | string;
  /** What comes back: JSON, or words for what is none. */
  readonly output: unknown;
}

const classes = [
  { label: '7', score: 0.998 },
  { label: '1', score: 0.001 },
];

/** A question and an answer for each task, for docs/tasks.md. */
export const taskExamples: Readonly<Record<TaskName, TaskExample>> = {
  'image-classification': {
    summary: 'A picture → labels with scores, best first.',
    body: '-H "content-type: image/png" --data-binary @seven.png',
    output: classes,
  },
  'object-detection': {
    summary: 'A picture → what is on it and where, best first. Boxes are in pixels of the picture.',
    body: '-H "content-type: image/jpeg" --data-binary @street.jpg',
    output: [{ label: 'car', score: 0.97, box: { xmin: 10, ymin: 20, xmax: 110, ymax: 80 } }],
  },
  'image-segmentation': {
    summary: "A picture → its parts. A mask is a grey PNG of the picture's size in base64, 255 where the part is.",
    body: '-H "content-type: image/jpeg" --data-binary @street.jpg',
    output: [{ label: 'road', score: 0.99, mask: 'iVBORw0KGgo…' }],
  },
  'image-to-image': {
    summary: 'A picture → the picture that a network makes of it.',
    body: '-H "content-type: image/png" --data-binary @small.png -o large.png',
    output: 'The answer is a PNG.',
  },
  'image-feature-extraction': {
    summary: "A picture → its features: nested lists in the shape of the model's output, one vector with `pool`.",
    body: '-H "content-type: image/jpeg" --data-binary @cat.jpg',
    output: [[0.12, -0.53, 0.08]],
  },
  'video-classification': {
    summary: 'A video → labels with scores, best first, by some of its frames.',
    body: '-H "content-type: video/mp4" --data-binary @clip.mp4',
    output: [{ label: 'archery', score: 0.91 }],
  },
  'file-classification': {
    summary: 'A file of any kind → labels with scores, best first, by some of its bytes.',
    body: '-H "content-type: application/octet-stream" --data-binary @unknown.bin',
    output: [{ label: 'pdf', score: 0.99 }],
  },
  'text-classification': {
    summary:
      'A text, or a list of them → for each, labels with scores, best first. One text is answered in two brackets too.',
    body: { inputs: 'a quiet, brilliant film', parameters: { top_k: 1 } },
    output: [[{ label: 'positive', score: 0.98 }]],
  },
  'token-classification': {
    summary:
      "A text → its names, places and the like. A text longer than the model's is read in windows that overlap. With `none` every token " +
      'is answered, with `entity` and `index` besides.',
    body: { inputs: 'Ada Lovelace lived in London.' },
    output: [
      { entity_group: 'PER', score: 0.99, word: 'Ada Lovelace', start: 0, end: 12 },
      { entity_group: 'LOC', score: 0.99, word: 'London', start: 22, end: 28 },
    ],
  },
  'feature-extraction': {
    summary:
      'A text, or a list of them → a vector for each. Pooling and length are those of `1_Pooling/config.json` and `modules.json`, or of ' +
      '`pooling` and `normalize` under `preprocessing` of `model.json`; without these the mean. Parameters may also stand beside `inputs`.',
    body: { inputs: ['a first text', 'a second one'], normalize: true },
    output: [
      [0.6, 0.8],
      [0.8, -0.6],
    ],
  },
  'fill-mask': {
    summary: "A text with the model's mask token → words for it, best first; of several masks a list for each.",
    body: { inputs: 'Paris is the [MASK] of France.', parameters: { top_k: 1 } },
    output: [{ score: 0.99, token: 3007, token_str: 'capital', sequence: 'paris is the capital of france.' }],
  },
  'question-answering': {
    summary:
      'A question and a text that answers it → the parts of the text that do, best first. A long text is read in windows.',
    body: { inputs: { question: 'Who wrote it?', context: 'It was written by Ada Lovelace in 1843.' } },
    output: [{ answer: 'Ada Lovelace', score: 0.97, start: 18, end: 30 }],
  },
  'zero-shot-classification': {
    summary:
      'A text and labels that no model was trained on → the labels with scores, best first, by a model that tells whether a sentence ' +
      'follows from a text.',
    body: { inputs: 'The engine does not start.', parameters: { candidate_labels: ['car', 'cooking'] } },
    output: [
      { label: 'car', score: 0.97 },
      { label: 'cooking', score: 0.03 },
    ],
  },
  'sentence-similarity': {
    summary: 'A sentence and others → how near each is to it, from -1 to 1.',
    body: { inputs: { source_sentence: 'a red car', sentences: ['a crimson vehicle', 'a loaf of bread'] } },
    output: [0.84, 0.11],
  },
  'audio-classification': {
    summary:
      'A sound → labels with scores, best first. A model with a state answers these for every chunk, with `timestamp` in seconds.',
    body: '-H "content-type: audio/wav" --data-binary @seven.wav',
    output: [{ label: 'seven', score: 0.97 }],
  },
  'automatic-speech-recognition': {
    summary: 'A sound → its text.',
    body: '-H "content-type: audio/flac" --data-binary @sentence.flac',
    output: { text: 'seven of nine' },
  },
  'tabular-classification': {
    summary:
      'Rows of a table → for each, labels with scores, best first. Rows are a list of objects, or CSV with a header; `null` or an empty ' +
      "field is a missing value. Columns `{ data }`, as Hugging Face's client sends them, are answered by numbers: the best label of each row " +
      'where labels are numbers, else its place.',
    body: { inputs: [{ alcohol: 13.2, colour: 'red' }], parameters: { top_k: 1 } },
    output: [[{ label: 'Barolo', score: 0.93 }]],
  },
  'tabular-regression': {
    summary: 'Rows of a table → a number for each. Rows are given as for tabular-classification.',
    body: '-H "content-type: text/csv" --data-binary @houses.csv',
    output: [312000.5],
  },
};
