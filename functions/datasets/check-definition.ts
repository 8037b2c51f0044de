import type * as z from 'zod';
import type { DatasetDefinition } from './dataset-definition.ts';
import { capturesOf } from './file-pattern.ts';
import { labelsPointIntoText, taskRecords } from './record-kinds.ts';

type Checked = Pick<
  DatasetDefinition,
  'task' | 'inputs' | 'label' | 'group' | 'clean' | 'transform' | 'augment' | 'split'
>;

/** What fits each other: an option of sounds does nothing to pictures, and a name that nothing captures is a slip. */
export function checkDefinition(definition: Checked, context: z.RefinementCtx): void {
  const fail = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: path.split('.'), message, input: definition });
  checkKinds(definition, fail);
  const { task, clean, split, augment } = definition;
  const changesText = clean.normalize !== undefined || clean.whitespace !== 'keep' || augment?.text !== undefined;
  if (labelsPointIntoText.includes(task) && changesText) {
    fail(augment?.text ? 'augment.text' : 'clean', `labels of ${task} point into the text, which may not change`);
  }
  if (augment && !Object.hasOwn(split.fractions, 'train')) {
    fail('augment', `only the split train is augmented, and there is ${Object.keys(split.fractions).join(', ')}`);
  }
  checkCaptures(definition, fail);
}

type Fail = (path: string, message: string) => void;

function checkKinds({ task, clean, transform, augment, inputs }: Checked, fail: Fail): void {
  const { record, label } = taskRecords[task];
  for (const kind of ['picture', 'sound'] as const) {
    if (record === kind) continue;
    if (transform[kind]) fail(`transform.${kind}`, `the records of ${task} are no ${kind}s`);
    if (augment?.[kind]) fail(`augment.${kind}`, `the records of ${task} are no ${kind}s`);
  }
  if (record !== 'text' && augment?.text) fail('augment.text', `the records of ${task} are no texts`);
  if (augment && !augment.picture && !augment.sound && !augment.text)
    fail('augment', 'picture, sound or text is needed');
  if (record !== 'picture' && clean.nearDuplicates)
    fail('clean.nearDuplicates', `the records of ${task} are no pictures`);
  if (record === 'row' && inputs.column)
    fail('inputs.column', `${task} takes rows: inputs.columns names their columns`);
  if (record !== 'row' && inputs.columns) fail('inputs.columns', `${task} takes one column: inputs.column`);
  if (label !== 'class' && transform.labels) fail('transform.labels', `the labels of ${task} are no classes`);
  const moved = transform.picture?.width ?? transform.picture?.height ?? augment?.picture;
  if (moved !== undefined && (task === 'image-segmentation' || task === 'image-to-image')) {
    fail(augment?.picture ? 'augment.picture' : 'transform.picture', `the labels of ${task} would no longer fit`);
  }
}

function checkCaptures({ inputs, label, group, split }: Checked, fail: Fail): void {
  const patterns = [inputs.files ?? []].flat();
  const places = { label, group, split: split.given };
  for (const pattern of patterns) {
    const names = capturesOf(pattern);
    const unknown = names.find((name) => !Object.hasOwn(places, name));
    if (unknown) fail('inputs.files', `{${unknown}} is none of {label}, {group} and {split}; * matches the same`);
    if (new Set(names).size < names.length) fail('inputs.files', 'a name is captured twice');
  }
  for (const [name, place] of Object.entries(places)) {
    const captured = patterns.every((pattern) => capturesOf(pattern).includes(name));
    if (place?.from !== 'path' || (captured && patterns.length > 0)) continue;
    fail(
      name === 'split' ? 'split.given' : name,
      `no {${name}} is in ${patterns.length > 0 ? 'every pattern of ' : ''}inputs.files`,
    );
  }
}
