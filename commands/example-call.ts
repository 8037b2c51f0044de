import { join } from 'node:path';
import { datatypeSizes, type TensorMetadata } from '../functions/inference/protocol.ts';
import type { ModelVersion } from '../functions/registry/model-manifest.ts';
import { type TaskName, textGeneration } from '../functions/tasks/task-names.ts';
import { taskExamples } from './task-examples.ts';

/** Largest body that is written into a command line. */
const maxBodyLength = 4000;

/** Files of this repository, for a package without golden inputs. */
const sampleFiles: readonly [RegExp, string][] = [
  [/^(image|object|depth)/, 'models/digits/golden/photo-5.jpg'],
  [/^(audio|automatic-speech)/, 'models/keywords/golden/7.wav'],
  [/^file/, 'README.md'],
  [/^video/, '<file>'],
];

interface Place {
  readonly url: string;
  readonly key: string;
  /** Of the package. */
  readonly folder: string;
}

/** A curl line that works as it stands in the project's folder: of the task, else with zeros as tensors. */
export function exampleCall({ manifest, inputs }: ModelVersion, place: Place): string {
  const { name, task } = manifest;
  const curl = `curl -H "x-api-key: ${place.key}" ${place.url}`;
  if (task === textGeneration) {
    const body = { model: name, messages: [{ role: 'user', content: 'Hello!' }], stream: true };
    return `curl -N -H "x-api-key: ${place.key}" ${place.url}/v1/chat/completions${toData(body)}`;
  }
  return task ? `${curl}/models/${name}${taskCall(task, manifest, place)}` : tensorCall(curl, name, inputs);
}

function taskCall(task: TaskName, { golden }: ModelVersion['manifest'], { folder }: Place): string {
  const goldenFile = golden.map(({ input }) => (Object(input) as { file?: string }).file).find((file) => file);
  const sample = sampleFiles.find(([pattern]) => pattern.test(task))?.[1];
  if (sample) return ` --data-binary @${goldenFile ? join(folder, goldenFile) : sample}`;
  const input = golden[0]?.input;
  if (typeof input === 'string') return toData({ inputs: input });
  if (input !== undefined) return toData(Object(input));
  // What they take depends on the model: its columns, its word for a mask.
  if (/^(tabular|fill-mask)/.test(task)) return '';
  return toData(Object(taskExamples[task].body));
}

function toData(body: object): string {
  return ` -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
}

/** The metadata where the graph does not tell the size of its inputs. */
function tensorCall(curl: string, name: string, inputs: readonly TensorMetadata[]): string {
  const call = `${curl}/v2/models/${name}`;
  if (inputs.some(({ shape }) => shape.length === 0 || shape.slice(1).includes(-1))) return call;
  const sized = inputs.map(({ shape, ...input }) => ({ ...input, shape: shape.map((size) => (size < 0 ? 1 : size)) }));
  const counts = sized.map(({ shape }) => shape.reduce((product, size) => product * size, 1));
  const [first] = sized;
  if (counts.reduce((sum, count) => sum + count, 0) * 2 > maxBodyLength) {
    if (!first || inputs.length > 1 || first.datatype === 'BYTES') return call;
    const zeros = `head -c ${counts[0]! * datatypeSizes[first.datatype]} /dev/zero`;
    return `${zeros} | ${call}/infer -H 'inference-header-content-length: 0' --data-binary @-`;
  }
  const tensors = sized.map((tensor, index) => ({ ...tensor, data: new Array(counts[index]).fill(zero(tensor)) }));
  return `${call}/infer -d '${JSON.stringify({ inputs: tensors })}'`;
}

function zero({ datatype }: TensorMetadata): number | boolean | string {
  if (datatype === 'BOOL') return false;
  return datatype === 'BYTES' ? '' : 0;
}
