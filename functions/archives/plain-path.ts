/** S3's limit of a key, in bytes of UTF-8. */
const maxPathBytes = 1024;

/**
 * A member's path without the `./` that tar writes before it; undefined where it leaves the archive (`..`, an absolute path),
 * has a backslash, a control character or an empty segment, or is longer than a key can be.
 */
export function plainPath(path: string): string | undefined {
  const plain = path.replace(/^(?:\.\/)+/, '');
  const strange = (segment: string) => segment === '' || segment === '.' || segment === '..';
  if (Buffer.byteLength(plain) > maxPathBytes || /[\\\p{Cc}\ufffd]|^[A-Za-z]:/u.test(plain)) return undefined;
  return plain.split('/').some(strange) ? undefined : plain;
}
