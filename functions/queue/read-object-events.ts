import * as z from 'zod';

const objectSchema = z.object({
  key: z.string(),
  /** Absent in a bucket without versions. */
  versionId: z.string().default(''),
  sequencer: z.string().default(''),
});

const notificationSchema = z.object({
  Records: z
    .array(
      z.object({
        eventName: z.string(),
        eventTime: z.iso.datetime(),
        s3: z.object({ bucket: z.object({ name: z.string() }), object: objectSchema }),
      }),
    )
    /** `s3:TestEvent`, which S3 sends once when a notification is configured, has no records. */
    .default([]),
});

/** A version of an object that was made. */
interface ObjectEvent extends z.infer<typeof objectSchema> {
  readonly bucket: string;
  readonly eventTime: string;
}

/**
 * Buckets, keys and versions of an S3 event notification, the body of a queue's message. Keys come URL-encoded with `+` for a
 * space. Source: AWS, "Event message structure".
 */
export function readObjectEvents(body: string): ObjectEvent[] {
  return notificationSchema.parse(JSON.parse(body)).Records.map(({ eventTime, s3 }) => ({
    eventTime,
    ...s3.object,
    bucket: s3.bucket.name,
    key: decodeURIComponent(s3.object.key.replaceAll('+', ' ')),
  }));
}
