import * as z from 'zod';

/** The bytes of a file: as they are, in base64, or in a data: URL (RFC 2397). `what`: `a picture`, `a sound`. */
export function fileInput(what: string): z.ZodType<Uint8Array> {
  const form = `the bytes of ${what}, or these in base64 (a data: URL is fine, no other URL is fetched), are needed`;
  return z.union(
    [
      z.instanceof(Uint8Array, { error: form }),
      z.string(form).transform((text, context) => {
        const base64 = text.replace(/^data:[^,]{0,100};base64,/, '').replace(/\s+/g, '');
        if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(base64)) return new Uint8Array(Buffer.from(base64, 'base64'));
        context.addIssue({ code: 'custom', message: form, input: text });
        return z.NEVER;
      }),
    ],
    form,
  );
}
