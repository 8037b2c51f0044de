import { setFlagsFromString } from 'node:v8';

/**
 * For functions that somebody waits for: when V8 marks all that lives. As it is, it does so after 64 MB of buffers, or
 * after the tenth answer of 200 KB where they come slowly, and marking a heap of 30 MB costs more than such a request.
 * Now what lives may grow to four times itself; where buffers count as the heap does, both to twice. They
 * must not where one can be a model of a gigabyte.
 */
export function letHeapGrow({ withBuffers }: { withBuffers: boolean }): void {
  setFlagsFromString(`--heap-growing-percent=${withBuffers ? 100 : 300}`);
  if (withBuffers) setFlagsFromString('--external-memory-accounted-in-global-limit');
}
