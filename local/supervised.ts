import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What a supervisor tells its process, and the process its supervisor. A connection comes as the message's handle. */
export type ToChild = 'connection' | 'ping';
export type FromChild = 'ready' | 'pong' | 'accepted' | 'retire' | 'drained';

/**
 * Answers the connections that the supervisor hands over. The function that it returns retires this process: a fresh one
 * takes over at once, what this one is still answering has two seconds. Being killed is how this process ends, always:
 * one that leaves by itself while ONNX Runtime runs a model aborts with a core dump.
 */
export function serveSupervised(server: Server): () => void {
  const responses = new Set<ServerResponse>();
  let leaving = false;

  const leave = (message?: FromChild) => {
    if (leaving) return;
    leaving = true;
    if (message) tell(message);
    server.close();
    for (const response of responses) response.shouldKeepAlive = false;
    if (responses.size === 0) tell('drained');
  };

  server.prependListener('request', (_request, response) => {
    if (leaving) response.shouldKeepAlive = false;
    responses.add(response);
    response.once('close', () => {
      responses.delete(response);
      if (leaving && responses.size === 0) tell('drained');
    });
  });
  process.on('message', (message: ToChild, socket?: Socket) => {
    if (message === 'ping') tell('pong');
    if (message === 'connection') tell('accepted');
    if (!socket) return; // the client has gone in the meantime
    server.emit('connection', socket);
    socket.resume();
  });
  process.on('SIGTERM', () => leave());
  process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; the supervisor decides
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  tell('ready');
  return () => leave('retire');
}

function tell(message: FromChild): void {
  process.send?.(message, undefined, undefined, () => {});
}
