/** THE table of functions: infra deploys it, local runs it. */

export interface FunctionDefinition {
  readonly description: string;
  readonly trigger:
    | { readonly kind: 'http' }
    | { readonly kind: 'invoke' }
    | {
        /** Uploads, by way of a queue. */
        readonly kind: 's3';
        readonly bucket: 'artifacts' | 'data';
        readonly prefix: string;
        readonly suffix: string;
        /** Copies of the function that read its queue, so that many uploads do not starve HTTPS. */
        readonly maxConcurrency: number;
      };
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  /** Functions whose queues it sends work to, itself among them: what is too much for one invocation. */
  readonly sendsTo?: readonly string[];
  readonly layers: readonly LayerName[];
}

/** `ffmpeg` is built from source, so it is there for those who choose `video` only. */
export type LayerName = 'onnxruntime' | 'media' | 'ffmpeg';

/** Times that a message is worked on. */
export const maxAttempts = 5;

/**
 * Deliveries of a queue's message before it becomes a dead letter. The last is no attempt: it says of an attempt that
 * has ended the function what that one could not say.
 */
export const maxReceiveCount = maxAttempts + 1;

/** Time-outs of its function that a message is hidden for: AWS asks for six, so that throttling does not show it twice. */
export const visibilityTimeouts = 6;

export const functions = {
  api: {
    description: 'HTTPS request -> authenticate -> route -> infer -> response',
    trigger: { kind: 'http' },
    memoryMiB: 1769,
    timeoutSeconds: 120,
    sendsTo: ['run-batch'],
    layers: ['media'],
  },
  infer: {
    description: 'CPU model host: ONNX Runtime',
    trigger: { kind: 'invoke' },
    memoryMiB: 3008,
    timeoutSeconds: 60,
    layers: ['onnxruntime'],
  },
  'register-model': {
    description: 'model.json uploaded -> validate -> package -> register',
    trigger: { kind: 's3', bucket: 'artifacts', prefix: 'models/', suffix: '/model.json', maxConcurrency: 5 },
    memoryMiB: 1769,
    timeoutSeconds: 120,
    layers: ['media'],
  },
  'predict-inbox': {
    description: 'file uploaded to inbox/ -> preprocess -> infer -> answer in outbox/',
    trigger: { kind: 's3', bucket: 'data', prefix: 'inbox/', suffix: '', maxConcurrency: 5 },
    memoryMiB: 1769,
    timeoutSeconds: 120,
    layers: ['media'],
  },
  'run-batch': {
    description: 'job asked for -> chunks -> preprocess -> infer -> results',
    trigger: { kind: 's3', bucket: 'data', prefix: 'jobs/', suffix: '.json', maxConcurrency: 5 },
    memoryMiB: 1769,
    timeoutSeconds: 300,
    sendsTo: ['run-batch'],
    layers: ['media'],
  },
  evaluate: {
    description: 'results of a labelled job -> metrics with intervals -> report',
    trigger: { kind: 's3', bucket: 'data', prefix: 'results/', suffix: '/manifest.json', maxConcurrency: 5 },
    memoryMiB: 3008,
    timeoutSeconds: 900,
    layers: ['media'],
  },
  'prepare-dataset': {
    description: 'dataset.json uploaded -> clean, transform, augment, split -> shards under prepared/',
    trigger: { kind: 's3', bucket: 'data', prefix: 'raw/', suffix: '/dataset.json', maxConcurrency: 5 },
    memoryMiB: 1769,
    timeoutSeconds: 900,
    sendsTo: ['prepare-dataset'],
    layers: ['media'],
  },
} as const satisfies Record<string, FunctionDefinition>;

export type FunctionName = keyof typeof functions;

/** The layers of a function, where `video` is chosen or not: ffmpeg goes wherever media are decoded. */
export function layersOf({ layers }: FunctionDefinition, video: boolean): readonly LayerName[] {
  return video && layers.includes('media') ? [...layers, 'ffmpeg'] : layers;
}
