import { setFlagsFromString } from 'node:v8';

/**
 * For functions that somebody waits for: lets the heap grow to four times what lives in it before all of it is marked,
 * as V8 does itself where much is allocated in little time. For tensors that come slowly it would be after every tenth
 * request: they lie outside the heap, count as what was allocated, and the marking costs more than a small request.
 */
setFlagsFromString('--heap-growing-percent=300');
