import { startStandIn } from '../stand-in-server.ts';
import { serveSupervised } from '../supervised.ts';
import { createInvocations } from './invocations.ts';
import { invoke, readOperation } from './invoke-api.ts';
import type { LambdaFunction } from './start-lambda.ts';
import { installStreamingRuntime } from './streaming-runtime.ts';

/** The process that runs functions; supervise() starts it with the table of functions as its argument. */
const functions = new Map<string, LambdaFunction>(Object.entries(JSON.parse(process.argv[2] ?? '{}')));
let retire = () => {};
installStreamingRuntime();
const invocations = createInvocations(() => retire());
const standIn = await startStandIn({
  operation: readOperation,
  handle: (request, response, operation) => invoke(functions, invocations, { request, response, operation }),
});
retire = serveSupervised(standIn.server);
for (const definition of functions.values()) invocations.load(definition);
