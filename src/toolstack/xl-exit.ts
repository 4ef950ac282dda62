/** How a command ends whose words were wrong, or who asked for help. */
import { ask, call, done, type Flow, flow, type Next } from './task.ts';
import type { ParsedOptions } from './xl-getopt.ts';
import { stderrText, stdoutText } from './xl-log.ts';

interface ExitVars {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
}

/** Prints the texts and ends. `{ stdout, stderr, exit }`; done `{ rc: exit }`. */
const exitWith = flow<ExitVars>({
  name: 'exit_with',
  steps: {
    start: (vars) => {
      const texts = [];
      if (vars.stderr !== '') texts.push(stderrText(vars.stderr));
      if (vars.stdout !== '') texts.push(stdoutText(vars.stdout));
      return ask(texts, 'end', vars);
    },
    end: (vars) => done({ rc: vars.exit }),
  },
});

/** Ends a command as its option parser decided; the command's label `exit` gets `{ rc }`. */
export function endWith<V>(parsed: Extract<ParsedOptions, { ok: false }>, vars: V): Next<V> {
  const { stdout, stderr, exit } = parsed;
  return call('exit_with', { stdout, stderr, exit }, 'exit', vars);
}

export const xlExitFlows: Readonly<Record<string, Flow>> = { exit_with: exitWith };
