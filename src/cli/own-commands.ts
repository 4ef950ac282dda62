/** xlsim's own commands by name: what `help` lists and what decides whether a word is ours or xl's. */

/** A sentence for each command. */
export const OWN_COMMANDS: Readonly<Record<string, string>> = {
  claim: 'Stake, change or cancel a claim: XENMEM_claim_pages',
  host: 'Make, show, list, remove, unlock, snapshot and restore hosts',
  history: 'Print what was run on this host',
  map: 'Show the heap as a picture',
  conform: "Replay recordings of Xen's allocator and compare",
  'cfg-parse': "Show a guest config as xl's parser reads it",
  replay: 'Play scenarios and compare with what they expect',
  explore: 'Walk the orders of what a scenario runs in parallel: verdict, smallest bad order',
  'merge-reports': 'Put the reports of all shards together',
  schema: 'Print the JSON Schema of --json output, scenario files or explorations',
  script: 'Run commands from a file or from standard input',
  version: 'Print the version',
};

/** The part of `help` that is not xl's. */
export function ownHelp(): string {
  const rows = Object.entries(OWN_COMMANDS).map(([name, text]) => ` ${name.padEnd(19)} ${text}\n`);
  return `\nxlsim's own commands (xlsim help COMMAND):\n\n${rows.join('')}
options before any command:

 --state DIR         the state directory ($XLSIM_STATE)
 --host NAME         which host of it (default)
 --tables WHEN       auto, always or never ($XLSIM_TABLES)
 --json              print one JSON object
 --settle HOW        none, idle or a duration: how far the host runs on afterwards
 --xl-conf FILE      xl.conf for this command ($XLSIM_XL_CONF)
 --trace-hypercalls FILE
                     write what was asked of Xen and xenstore
 --lock-timeout S    how long to wait for other commands (60)
`;
}
