/** What xl's command table says about one command. Xen: struct cmd_spec, tools/xl/xl.h. */
export interface CmdSpec {
  /** cmd_name. */
  readonly name: string;
  /** can_dryrun: the command accepts the global -N. */
  readonly canDryrun?: boolean;
  /** modifies: the command changes something; shown as f in the usage line. */
  readonly modifies?: boolean;
  /** cmd_usage. */
  readonly usage: string;
  /** cmd_desc. */
  readonly desc: string;
  /** cmd_option. */
  readonly option?: string;
}
