interface Event {
  readonly do: 'count' | 'fail' | 'forever' | 'left';
}

const left = Promise.withResolvers<string>();

/** A function that streams what a test asks it to stream. */
export const handler = awslambda.streamifyResponse<Event>(async (event, stream) => {
  const write = (text: string) =>
    new Promise<void>((resolve, reject) => stream.write(text, (error) => (error ? reject(error) : resolve())));
  stream.once('error', () => {}); // a write that fails is told of by its callback
  if (event.do === 'left') await write(await left.promise);
  if (event.do !== 'forever') for (let count = 1; count <= 3; count++) await write(`${count}\n`);
  if (event.do === 'fail') throw new RangeError('out of numbers');
  for (let count = 1; event.do === 'forever'; count++) {
    await write(`${count}\n`).catch((error: Error) => left.resolve(`left: ${error.name}\n`));
    if (stream.destroyed) return;
  }
  stream.end();
});
