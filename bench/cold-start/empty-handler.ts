/** A function that does nothing: what Node itself needs to start and answer. */
interface Runtime {
  streamifyResponse(handler: (event: unknown, response: { writeHead(status: number): Ending }) => void): unknown;
}
interface Ending {
  end(text: string): void;
}

const { awslambda } = globalThis as unknown as { awslambda: Runtime };

export const handler = awslambda.streamifyResponse((_event, response) => response.writeHead(200).end('{}'));
