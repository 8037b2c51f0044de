import { decodeSound } from '../../media/audio.ts';
import { encodeWav } from '../../media/encode-wav.ts';
import { decodeImage } from '../../media/image.ts';
import { toGrey } from '../../media/picture.ts';
import type { DatasetDefinition } from '../dataset-definition.ts';
import type { PreparedRecord } from '../prepared-record.ts';
import { taskRecords } from '../record-kinds.ts';
import { digestOf } from '../records/inspect-file.ts';
import type { Boxes, Label } from '../records/read-label.ts';
import { moveBoxes } from '../transform/move-boxes.ts';
import { encodePicture } from '../transform/transform-picture.ts';
import { augmentPicture } from './augment-picture.ts';
import { augmentSound } from './augment-sound.ts';
import { augmentText, type Synonyms } from './augment-text.ts';
import { randomOf } from './random.ts';

/**
 * The changed copies of a record, in their order. They depend on the record and dataset.json alone. A copy that comes out equal
 * to the record or to an earlier copy is none.
 */
export async function* augmentRecord(
  record: PreparedRecord,
  definition: DatasetDefinition,
  synonyms: Synonyms,
): AsyncGenerator<PreparedRecord> {
  const seen = new Set([digestOfInputs(record.inputs)]);
  for (let copy = 1; copy <= definition.augment!.copies; copy++) {
    const changed = await changedCopy(record, copy, definition, synonyms);
    const digest = digestOfInputs(changed.inputs);
    if (seen.has(digest)) continue;
    seen.add(digest);
    yield { ...changed, id: digestOf(`${record.id} ${copy}`).slice(0, 24), augmentedFrom: record.id };
  }
}

function digestOfInputs(inputs: PreparedRecord['inputs']): string {
  return digestOf(inputs instanceof Uint8Array ? inputs : JSON.stringify(inputs));
}

async function changedCopy(
  record: PreparedRecord,
  copy: number,
  { task, augment, transform }: DatasetDefinition,
  synonyms: Synonyms,
): Promise<PreparedRecord> {
  const random = randomOf(record.id, copy);
  const { inputs } = record;
  if (augment?.text && typeof inputs === 'string') {
    return { ...record, inputs: augmentText(inputs, augment.text, synonyms, random) };
  }
  if (augment?.sound && inputs instanceof Uint8Array) {
    return { ...record, inputs: encodeWav(augmentSound(await decodeSound(inputs, {}), augment.sound, random)) };
  }
  if (!augment?.picture || !(inputs instanceof Uint8Array)) return record;
  const decoded = await decodeImage(inputs);
  const picture = transform.picture?.grey ? toGrey(decoded) : decoded;
  const moved = augmentPicture(picture, augment.picture, random);
  const isBoxes = taskRecords[task].label === 'boxes' && record.label !== undefined;
  const label = isBoxes ? (moveBoxes(record.label as Boxes, moved.move, picture) as Label) : undefined;
  const file = await encodePicture(moved.picture, transform.picture);
  return { ...record, inputs: file, ...(label !== undefined && { label }) };
}
