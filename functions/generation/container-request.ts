import type { GenerationRequest } from './generation.ts';

/**
 * A request as a container with OpenAI's API takes it: streamed, one choice, with usage. What the platform does not know
 * goes as it is: the container takes or refuses it. `adapters` is LMI's name for the fine-tuning to use.
 * Source: vllm-project/vllm, vllm/entrypoints/openai/protocol; deepjavalibrary/djl-serving, serving/docs/adapters.md.
 */
export function renderContainerRequest(request: GenerationRequest): object {
  return {
    ...request.extra,
    ...renderPrompt(request),
    ...renderSampling(request),
    ...(request.responseFormat && { response_format: request.responseFormat }),
    ...(request.adapter !== undefined && { adapters: request.adapter }),
    stream: true,
    stream_options: { include_usage: true },
  };
}

function renderPrompt({ prompt, topLogprobs }: GenerationRequest): object {
  if ('text' in prompt) return { prompt: prompt.text, logprobs: topLogprobs };
  if ('ids' in prompt) return { prompt: prompt.ids, logprobs: topLogprobs };
  const { messages, tools, toolChoice, parallel } = prompt;
  const choice = typeof toolChoice === 'object' ? { type: 'function', function: toolChoice } : toolChoice;
  return {
    messages,
    ...(tools && { tools, tool_choice: choice, parallel_tool_calls: parallel }),
    ...(topLogprobs !== undefined && { logprobs: true, top_logprobs: topLogprobs }),
  };
}

/** Undefined members are not sent. */
function renderSampling(request: GenerationRequest): object {
  return {
    max_tokens: request.maxTokens,
    temperature: request.temperature,
    top_p: request.topP,
    top_k: request.topK,
    seed: request.seed,
    presence_penalty: request.presencePenalty,
    frequency_penalty: request.frequencyPenalty,
    ...(Object.keys(request.logitBias).length > 0 && { logit_bias: request.logitBias }),
    ...(request.stop.length > 0 && { stop: request.stop }),
  };
}
