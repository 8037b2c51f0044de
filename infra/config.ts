import * as z from 'zod';

/** Instances with one GPU on which SageMaker runs multi-model endpoints. */
const singleGpuInstanceTypes = ['g4dn', 'g5'].flatMap((family) =>
  ['xlarge', '2xlarge', '4xlarge', '8xlarge', '16xlarge'].map((size) => `ml.${family}.${size}`),
);

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
    tritonImageUri: z
      .string()
      .regex(/^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.[a-z.]+\/[^:@]+[:@].+$/, 'is not the URI of an image in ECR')
      .optional(),
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
