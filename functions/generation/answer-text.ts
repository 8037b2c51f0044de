import type { ToolCallDelta } from './generation.ts';
import type { TextCodec } from './text-codec.ts';
import { createStopFilter, createTextStream } from './text-stream.ts';
import type { AnswerReader } from './tool-calls.ts';

interface AnswerTextOptions {
  readonly codec: Pick<TextCodec, 'decode' | 'specialText'>;
  readonly stops: readonly string[];
  readonly reader: AnswerReader;
  /** Special tokens that are part of the text. */
  readonly markers: readonly string[];
}

/** From tokens to what a caller sees: characters that are complete, up to a stop, calls of tools apart. */
export function createAnswerText({ codec, stops, reader, markers }: AnswerTextOptions) {
  const text = createTextStream(codec.decode);
  const stop = createStopFilter(stops);

  function readToken(id: number): string {
    const special = codec.specialText(id);
    return special !== undefined && markers.includes(special) ? text.end() + special : text.push(id);
  }

  return {
    push(id: number): { text: string; stopped: boolean } {
      const { text: ready, stopped } = stop.push(readToken(id));
      return { text: reader.push(ready), stopped };
    },
    /** What is left when no more tokens come. */
    end(stopped: boolean): { text: string; toolCalls: ToolCallDelta[] } {
      const rest = stopped ? '' : stop.push(text.end()).text + stop.end();
      const ready = reader.push(rest);
      const { text: last, toolCalls } = reader.end();
      return { text: ready + last, toolCalls };
    },
  };
}
