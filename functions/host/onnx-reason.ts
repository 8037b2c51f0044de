/** How a run is refused for which the CPU host has no memory: by its request, or by the model where the request is small. */
export const outOfMemory = 'the run needs more memory than the CPU host has';

/**
 * ONNX Runtime's message without what is not for callers: source files, C++ signatures, paths of this machine.
 * Names of nodes and tensors stay, also where they look like paths (`/conv1/Conv`, as PyTorch exports them).
 */
export function readOnnxReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const reason = message
    .replace(/External data path validation failed.*/s, 'the graph names an external data file that the package lacks')
    .replace(
      /External file: (\S+) not found from the table user provided\.?/,
      'the external data file $1 is not in the package',
    )
    .replace(/^.*?Load model from \S* failed:\s*/s, '')
    .replace(/\[ONNXRuntimeError\] : \d+ : \w+ : /g, '')
    .replace(/\S+\.(?:cc|cpp|h|hpp):\d+ [^()]*\([^)]*\)(?: const)?\s*/g, '')
    .replace(/\S+\.(?:cc|cpp|h|hpp):\d+ (?:\w+ )?/g, '')
    .replace(/"?\/(?:[\w.@+-]+\/)*[\w@+-]+\.[\w.]+"?/g, 'a file')
    .replace(/Name:'' /, '')
    .replace(/\s+/g, ' ')
    .trim();
  return reason.length > 500 ? `${reason.slice(0, 500)}…` : reason || 'ONNX Runtime gives no reason';
}
