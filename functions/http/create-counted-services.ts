import type { Config } from '../config.ts';
import { createServices } from '../create-services.ts';
import type { Services } from '../services.ts';
import { countInferences } from './count-inferences.ts';
import { logInference } from './inference-metrics.ts';

/** The services on AWS, whose runs of models are counted and, where a namespace is configured, told to CloudWatch. */
export function createCountedServices(config: Config): Services {
  const { METRICS_NAMESPACE: namespace } = config;
  const services = createServices(config);
  if (namespace === undefined) return countInferences(services);
  return countInferences(services, (model, inference) => logInference(namespace, model, inference));
}
