import * as z from 'zod';
import { modelNamePattern, modelVersionPattern } from '../functions/storage/object-keys.ts';

/** Instances with one GPU on which SageMaker runs multi-model endpoints. */
const singleGpuInstanceTypes = ['g4dn', 'g5'].flatMap((family) =>
  ['xlarge', '2xlarge', '4xlarge', '8xlarge', '16xlarge'].map((size) => `ml.${family}.${size}`),
);

const imageUri = z
  .string()
  .regex(/^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.[a-z.]+\/[^:@]+[:@].+$/, 'is not the URI of an image in ECR');

/** A version of a package that the LLM host serves. */
export interface LanguageModel {
  readonly model: string;
  readonly version: string;
}

function readLanguageModels(text: string, context: z.RefinementCtx): LanguageModel[] {
  return text
    .split(',')
    .filter(Boolean)
    .map((given) => {
      const [model = '', version = '', ...rest] = given.split('/');
      const right = rest.length === 0 && modelNamePattern.test(model) && modelVersionPattern.test(version);
      if (!right) context.addIssue({ code: 'custom', message: `'${given}' is not <model>/<version> of a package` });
      return { model, version };
    });
}

/**
 * What the operator of a deployment chooses. Change it for good under `"context"` in cdk.json, or for one command with
 * `-c name=value`; both reach CDK as its context.
 */
const infraConfigSchema = z
  .strictObject({
    /** `gpu` adds the SageMaker endpoint, which costs money by the hour; `none` serves models on Lambda alone. */
    hosting: z.enum(['none', 'gpu']).default('none'),
    instanceType: z.enum(singleGpuInstanceTypes).default('ml.g4dn.xlarge'),
    minInstances: z.coerce.number().int().min(1).default(1),
    maxInstances: z.coerce.number().int().min(1).default(2),
    /** Requests in flight per model container above which an instance is added. */
    targetConcurrentRequests: z.coerce.number().positive().default(16),
    /** A release of NVIDIA Triton that AWS publishes as `sagemaker-tritonserver`. */
    tritonVersion: z
      .string()
      .regex(/^\d\d\.\d\d$/, 'is not a Triton release such as 24.09')
      .default('24.09'),
    /** Image to use in place of AWS's: a region that AWS does not publish to, or a build of one's own. */
    tritonImageUri: imageUri.optional(),
    /**
     * Language models for the LLM host, which costs money by the hour while one is up: `<model>/<version>` of packages
     * with weights in safetensors, separated by commas.
     */
    llm: z
      .string()
      .transform((text, context) => readLanguageModels(text, context))
      .default([]),
    llmInstanceType: z
      .string()
      .regex(
        /^ml\.(g5|g6|g6e|p4d|p4de|p5|p5e|p5en)\.\d*xlarge$/,
        'is no GPU instance for language models, such as ml.g5.xlarge',
      )
      .default('ml.g5.xlarge'),
    /** GPUs of one copy of a model, which is split over them. */
    llmAccelerators: z.coerce.number().int().min(1).max(8).default(1),
    /** Memory of one copy beside that of the GPUs. */
    llmMemoryMiB: z.coerce.number().int().min(1024).default(8192),
    /** Copies of each model; 0: none while nobody asks, and minutes until the first answer. */
    llmMinCopies: z.coerce.number().int().min(0).default(0),
    llmMaxCopies: z.coerce.number().int().min(1).default(1),
    /** Requests in flight per copy above which one is added. */
    llmConcurrentRequests: z.coerce.number().positive().default(8),
    /** Tokens of prompt and answer together; absent: as many as the model was made for. */
    llmContext: z.coerce.number().int().positive().optional(),
    /** vLLM's name of the way in which the models call tools, such as `hermes`, `llama3_json` or `mistral`. */
    llmToolParser: z
      .string()
      .regex(/^[a-z0-9_]+$/)
      .optional(),
    /** Adapters (LoRA) of one model that may be in use at the same time; 0: none are loaded. */
    llmAdapters: z.coerce.number().int().min(0).max(64).default(0),
    /** A release of AWS's Large Model Inference container with vLLM. */
    lmiVersion: z
      .string()
      .regex(/^\d+\.\d+\.\d+-lmi[\d.]+-cu\d+$/, 'is not an LMI release such as 0.34.0-lmi16.0.0-cu128')
      .default('0.34.0-lmi16.0.0-cu128'),
    lmiImageUri: imageUri.optional(),
    /** Origin that browsers may call the API from; `*`: any. */
    corsOrigin: z.string().min(1).default('*'),
    /** Requests per second over all callers, and how many may come at once. */
    requestsPerSecond: z.coerce.number().positive().default(100),
    requestBurst: z.coerce.number().int().positive().default(200),
    /** Copies of the CPU model host that may run at once; absent: as many as the account allows. */
    inferConcurrency: z.coerce.number().int().positive().optional(),
    /** Adds ffmpeg for videos; it is built from source, by whoever deploys, with a C compiler for arm64. */
    video: z.stringbool().default(false),
    /** Puts AWS WAF in front of the API: known bad addresses, and a limit per address. */
    waf: z.stringbool().default(false),
    /** Receives alarms and, with `monthlyBudgetUsd`, warnings about cost. */
    alarmEmail: z.email().optional(),
    /** Cost of the whole account in a month, in US dollars, of which 80 % is worth a mail. */
    monthlyBudgetUsd: z.coerce.number().positive().optional(),
    logRetentionDays: z.coerce
      .number()
      .pipe(z.union([z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827])]))
      .default(30),
    /** What `cdk destroy` does with buckets, table and secret. */
    removal: z.enum(['retain', 'destroy']).default('retain'),
  })
  .refine((config) => config.minInstances <= config.maxInstances, {
    path: ['maxInstances'],
    error: 'is smaller than minInstances',
  })
  .refine((config) => config.llmMinCopies <= config.llmMaxCopies, {
    path: ['llmMaxCopies'],
    error: 'is smaller than llmMinCopies',
  })
  .refine((config) => config.monthlyBudgetUsd === undefined || config.alarmEmail !== undefined, {
    path: ['monthlyBudgetUsd'],
    error: 'needs alarmEmail, which its warnings go to',
  });

export type InfraConfig = Readonly<z.infer<typeof infraConfigSchema>>;

/** Reads the choices from CDK's context; throws with the name of each one that is unknown or not allowed. */
export function readInfraConfig(context: Record<string, unknown>): InfraConfig {
  // CDK's own settings have a colon or a slash in their names.
  const choices = Object.entries(context).filter(([name]) => /^[A-Za-z]+$/.test(name));
  const parsed = infraConfigSchema.safeParse(
    Object.fromEntries(choices.map(([name, value]) => [name, typeof value === 'boolean' ? String(value) : value])),
  );
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(
    ({ path, message }) => `  ${path.join('.')}${path.length ? ': ' : ''}${message}`,
  );
  throw new Error(`deployment choices (-c name=value, or "context" in cdk.json):\n${lines.join('\n')}`);
}
