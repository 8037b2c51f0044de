import { startStandIn } from '../../local/stand-in-server.ts';
import { serveSupervised } from '../../local/supervised.ts';

/** A program for supervise() that answers with its process id, or stands still. */
const standIn = await startStandIn({
  operation: () => 'Test',
  handle: async (request, response) => {
    if (request.url === '/block') for (;;);
    response.end(String(process.pid));
  },
});
if (process.argv[2] === '"fail"') process.exit(3);
serveSupervised(standIn.server);
