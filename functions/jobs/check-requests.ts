import { ServiceError } from '../errors.ts';
import { type LineProblem, RequestLineError, readRequestLine } from './request-line.ts';
import { TextSet } from './text-set.ts';

/** Enough to mend a file by; what is wrong throughout would fill the answer. */
const maxProblems = 50;
const maxRequests = 10_000_000;

/** A file of requests that is refused before any is answered. */
export class RequestsRefused extends ServiceError {
  readonly problems: readonly LineProblem[];

  constructor(problems: readonly LineProblem[]) {
    const [{ line, message } = { line: null, message: '' }] = problems;
    super('invalid_request', line === null ? message : `line ${line}: ${message}`);
    this.problems = problems;
  }
}

/** Sees every line of a file whose requests ask `endpoint`. */
export interface RequestsCheck {
  /** Throws RequestsRefused once enough is wrong. */
  add(line: Buffer, number: number): void;
  /** Throws RequestsRefused where something was wrong. */
  end(): void;
}

/** What OpenAI refuses a batch for: lines that are no requests, and a custom_id that is not the only one of its name. */
export function checkRequests(endpoint: string): RequestsCheck {
  const problems: LineProblem[] = [];
  const ids = new TextSet();
  let requests = 0;
  const refuse = (problem: LineProblem) => {
    problems.push(problem);
    if (problems.length === maxProblems) throw new RequestsRefused(problems);
  };
  return {
    add(bytes, line) {
      requests += 1;
      if (requests > maxRequests) {
        const message = `there are more than the ${maxRequests} requests that are allowed: split the file`;
        throw new RequestsRefused([{ code: 'too_many_tasks', message, param: null, line: null }]);
      }
      try {
        const { customId } = readRequestLine(bytes, endpoint);
        if (ids.add(customId)) return;
        const message = `custom_id '${customId.slice(0, 100)}' is that of an earlier line: each needs one of its own`;
        refuse({ code: 'duplicate_custom_id', message, param: 'custom_id', line });
      } catch (error) {
        if (!(error instanceof RequestLineError)) throw error;
        refuse({ ...error.problem, message: error.message, line });
      }
    },
    end() {
      if (problems.length > 0) throw new RequestsRefused(problems);
      if (requests > 0) return;
      const message = 'the file has no requests: one is needed, as a line of JSON';
      throw new RequestsRefused([{ code: 'empty_file', message, param: null, line: null }]);
    },
  };
}
