/** A file that came in a form. */
export class FormFile {
  readonly filename: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;

  constructor(filename: string, contentType: string, bytes: Uint8Array) {
    this.filename = filename;
    this.contentType = contentType;
    this.bytes = bytes;
  }
}
