import type { Route } from './http.ts';
import { jobRoutes } from './jobs.ts';
import { metricsRoutes } from './metrics.ts';
import { modelAliasRoutes } from './model-aliases.ts';
import { modelRepositoryRoutes } from './model-repository.ts';
import { modelVersionRoutes } from './model-versions.ts';
import { modelRoutes } from './models.ts';
import { openInferenceRoutes } from './open-inference.ts';
import { openaiBatchRoutes } from './openai-batches.ts';
import { openaiChatRoutes } from './openai-chat.ts';
import { openaiCompletionRoutes } from './openai-completions.ts';
import { openaiEmbeddingRoutes } from './openai-embeddings.ts';
import { openaiFileRoutes } from './openai-files.ts';
import { openaiModelRoutes } from './openai-models.ts';
import { openaiTranscriptionRoutes } from './openai-transcriptions.ts';
import { openaiUploadRoutes } from './openai-uploads.ts';
import { reportRoutes } from './reports.ts';
import { tritonSettingRoutes } from './triton-settings.ts';

/** All that the API answers, but for its description, which is made of these. */
export const routes: readonly Route[] = [
  ...openInferenceRoutes,
  ...modelRepositoryRoutes,
  ...tritonSettingRoutes,
  ...openaiModelRoutes,
  ...openaiChatRoutes,
  ...openaiCompletionRoutes,
  ...openaiEmbeddingRoutes,
  ...openaiTranscriptionRoutes,
  ...openaiFileRoutes,
  ...openaiUploadRoutes,
  ...openaiBatchRoutes,
  ...jobRoutes,
  ...modelRoutes,
  ...modelVersionRoutes,
  ...modelAliasRoutes,
  ...reportRoutes,
  ...metricsRoutes,
];
