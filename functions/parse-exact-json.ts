const maybeLarge = /\d{16}/;
const large = /^-?\d{16,}$/;

/**
 * JSON whose whole numbers of 16 digits and more, such as those of INT64, come out of `JSON.stringify` as they went in:
 * they are no numbers in between. Throws SyntaxError.
 */
export function parseExactJson(text: string): unknown {
  if (!maybeLarge.test(text)) return JSON.parse(text) as unknown;
  return JSON.parse(text, (_key, value, { source = '' }) => (large.test(source) ? JSON.rawJSON(source) : value));
}
