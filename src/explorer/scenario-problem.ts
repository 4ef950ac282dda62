/** What is wrong with a scenario file, and where. */

/** A place in a file, both counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One mistake: `message` says what was meant. */
export interface Problem extends Place {
  readonly message: string;
}

/** `file:line:column: message`, the form that editors and CI systems link. */
export const formatProblem = (file: string, problem: Problem): string =>
  `${file}:${problem.line}:${problem.column}: ${problem.message}`;

/** Either a value or everything that was wrong with what it was to be made of. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };
