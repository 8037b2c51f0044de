import * as z from 'zod';

const queueUrls = z
  .string()
  .default('{}')
  .transform((text) => z.record(z.string(), z.string()).parse(JSON.parse(text)));

/** The environment of a function, set by infra and by local from the same table. */
const configSchema = z.object({
  TABLE_NAME: z.string().min(3),
  ARTIFACTS_BUCKET: z.string().min(3),
  DATA_BUCKET: z.string().min(3),
  INFER_FUNCTION_NAME: z.string().optional(),
  /** Absent: no GPU host is deployed (`hosting: none`). */
  SAGEMAKER_ENDPOINT_NAME: z.string().optional(),
  /** Absent: no LLM host is deployed (`llm`). */
  LLM_ENDPOINT_NAME: z.string().optional(),
  /** Secrets Manager id of the pepper that API keys are digested with. */
  API_KEY_PEPPER_SECRET_ID: z.string().optional(),
  /** `false` lets calls in without a key; only `npm start -- --open` sets it, on loopback. */
  REQUIRE_API_KEY: z.enum(['true', 'false']).default('true'),
  /** Largest request and response body of InvokeEndpoint; AWS documents 6 MiB. */
  SAGEMAKER_MAX_BYTES: z.coerce.number().int().positive().default(6_291_456),
  /** Bytes of model files that `infer` keeps loaded. */
  MODEL_CACHE_BYTES: z.coerce.number().int().positive().default(1_000_000_000),
  /** URLs of dead-letter queues by function, in JSON; for the owner's commands alone. */
  DEAD_LETTER_QUEUES: queueUrls,
  /** URLs of the queues that this function sends work to, by the function that reads them, in JSON. */
  WORK_QUEUES: queueUrls,
  /** CloudWatch namespace of metrics that are written into the log; absent: none are. */
  METRICS_NAMESPACE: z.string().min(1).optional(),
  CORS_ORIGIN: z.string().default('*'),
});

export type Config = Readonly<z.infer<typeof configSchema>>;

/** Reads the configuration once, at start; a missing value ends the function with its name. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const parsed = configSchema.safeParse(environment);
  if (parsed.success) return parsed.data;
  throw new Error(`configuration: ${z.prettifyError(parsed.error)}`);
}

/** Seconds for which an instance trusts what it read of the registry and of a key; revocation takes this long at most. */
export const registryCacheSeconds = 5;
export const keyCacheSeconds = 30;
