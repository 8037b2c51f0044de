import type { DropReason } from './read/unit.ts';

/** What a person is told of each reason. */
export const reasonTexts: Readonly<Record<DropReason, string>> = {
  empty: 'nothing is in it',
  undecodable: 'it cannot be decoded',
  'too-large': 'it has more bytes than are read',
  'unreadable-archive': 'the archive is damaged',
  encrypted: 'it is encrypted',
  'unsafe-path': 'its name leaves the archive',
  'nested-archive': 'it is an archive inside an archive',
  'broken-row': 'the row is not what its table says',
  'no-inputs': 'the inputs are not where dataset.json says',
  'no-label': 'it has no label',
  'bad-label': 'the label is none that the task has',
  'label-left-out': 'transform.labels leaves its label out',
  'missing-values': 'a value is missing',
  'too-short': 'it is too short',
  'too-long': 'it is too long',
  'too-small': 'it is too small',
  'too-big': 'it is too large in size',
  duplicate: 'another record has the same content',
  'near-duplicate': 'another picture looks like it',
  'contradicting-labels': 'records of the same content have different labels',
  outlier: 'a measure lies outside the bounds',
};
