/** What `npm start` prints: each line with `curl` works as it stands, from the project's folder. */
export function welcome(platform: { url: string; secret: string; open: boolean; seconds: number }): string {
  const { url, secret, open } = platform;
  const key = open ? '' : ` -H 'x-api-key: ${secret}'`;
  const tensor = `{"inputs":[${tensors.map(([name, data]) => `{"name":"${name}","datatype":"INT64","shape":[1,${data.length}],"data":[${data}]}`).join(',')}]}`;
  return `Lambent is ready on ${url} (${platform.seconds.toFixed(1)} s)

  ${open ? 'Calls need no key and are taken from this machine only.' : `API key  ${secret}  (for development; kept in the state folder)`}

  A picture    curl${key} --data-binary @models/digits/golden/7.png -H 'content-type: image/png' ${url}/models/digits
  A sentence   curl${key} -d '{"inputs":"The battery lasts for days. Great phone!"}' ${url}/models/sentiment
  A tensor     curl${key} -d '${tensor}' ${url}/v2/models/sentiment/infer

  Models  ${url}/models     Open Inference Protocol  ${url}/v2     Ctrl-C ends it; state is kept.
`;
}

/** "works great, would recommend." in the token ids of the sentiment model. */
const tensors: readonly (readonly [string, readonly number[]])[] = [
  ['input_ids', [2, 77, 25, 8, 51, 101, 4, 3]],
  ['attention_mask', [1, 1, 1, 1, 1, 1, 1, 1]],
];
