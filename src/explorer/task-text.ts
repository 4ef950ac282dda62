/** What tasks print: their own text, and the lines of their logs that are shown. */
import type { Task, TextRequest } from '../toolstack/task.ts';
import { logLine } from '../toolstack/xl-env.ts';
import { calendarSeconds } from './world.ts';

/** Takes text in the order in which a task prints it. */
export type Write = (stream: 'stdout' | 'stderr', text: string) => void;

/** Hands a task's text to whoever reads it (undefined: nobody), at virtual time `now` in ns. */
export function writeText(write: Write | undefined, task: Task, request: TextRequest, now: number): void {
  if (write === undefined) return;
  if (request.kind !== 'log') {
    write(request.kind, request.text);
    return;
  }
  const line = logLine(task, request, calendarSeconds(now));
  if (line !== null) write('stderr', line);
}
