/** xl's command table: look-up by name or abbreviation, and the texts of `xl help`. Models tools/xl/xl_cmdtable.c. */
import type { CmdSpec } from './xl-cmd-spec.ts';
import { DEVICE_COMMANDS } from './xl-usage-device.ts';
import { DOMAIN_COMMANDS } from './xl-usage-domain.ts';
import { HOST_COMMANDS } from './xl-usage-host.ts';
import { PLATFORM_COMMANDS } from './xl-usage-platform.ts';

/** Every command in the order `xl help` prints them. Xen: cmd_table. */
export const cmdTable: readonly CmdSpec[] = [
  ...DOMAIN_COMMANDS,
  ...HOST_COMMANDS,
  ...DEVICE_COMMANDS,
  ...PLATFORM_COMMANDS,
];

/**
 * The command that `s` names: the one of exactly this name, else the only one that begins with it.
 * Null for none or several. Models cmdtable_lookup(), tools/xl/xl_cmdtable.c.
 */
export function cmdtableLookup(s: string): CmdSpec | null {
  let found: CmdSpec | null = null;
  let count = 0;
  for (const cmd of cmdTable) {
    if (!cmd.name.startsWith(s)) continue;
    if (cmd.name === s) return cmd;
    found = cmd;
    count++;
  }
  return count === 1 ? found : null;
}

/** What `xl help COMMAND` prints on stdout, an unknown COMMAND included. Models help(), tools/xl/xl_utils.c. */
export function helpCommand(command: string): string {
  if (command === 'help') return helpAll();
  const cmd = cmdtableLookup(command);
  if (cmd === null) return `command "${command}" not implemented\n`;
  const flags = `${cmd.modifies ? 'f' : ''}${cmd.canDryrun ? 'N' : ''}`;
  const head = `Usage: xl [-vtT${flags}] ${cmd.name} ${cmd.usage}\n\n${cmd.desc}.\n\n`;
  return cmd.option === undefined ? head : `${head}Options:\n\n${cmd.option}\n`;
}

/** The full list of subcommands, as `xl` and `xl help` print it. Models help(), tools/xl/xl_utils.c. */
export function helpAll(): string {
  let text = 'Usage xl [-vfNtT] <subcommand> [args]\n\nxl full list of subcommands:\n\n';
  for (const cmd of cmdTable) {
    const name = ` ${cmd.name.padEnd(19)} `;
    // A name that overruns its column sends the description to a line of its own.
    text += `${cmd.name.length > 19 ? `${name}\n${' '.repeat(21)}` : name}${cmd.desc}\n`;
  }
  return text;
}
