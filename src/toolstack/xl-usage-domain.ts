/**
 * xl's command table, part of it in the table's order: life-cycle, memory and vcpu commands. Xen: cmd_table, tools/xl/xl_cmdtable.c.
 *
 * The texts are xl's own, as scripts that read them expect. Names to descriptions only: what a command does
 * lives in its flow.
 */
import type { CmdSpec } from './xl-cmd-spec.ts';

export const DOMAIN_COMMANDS: readonly CmdSpec[] = [
  {
    name: 'create',
    canDryrun: true,
    modifies: true,
    usage: '<ConfigFile> [options] [vars]',
    desc: 'Create a domain from config file <filename>',
    option: `-c                      Connect to the console after the domain is created.
-d                      Enable debug messages.
-e                      Do not wait in the background for the death of the domain.
-F                      Run in foreground until death of the domain.
-f FILE, --defconfig=FILE
                     Use the given configuration file.
-h                      Print this help.
-n, --dryrun            Dry run - prints the resulting configuration
                         (deprecated in favour of global -N option).
-p                      Leave the domain paused after it is created.
-q, --quiet             Quiet.
-V, --vncviewer         Connect to the VNC display after the domain is created.
-A, --vncviewer-autopass
                        Pass VNC password to viewer via stdin.
--ignore-global-affinity-masks Ignore global masks in xl.conf.`,
  },
  {
    name: 'config-update',
    canDryrun: true,
    modifies: true,
    usage: '<Domain> <ConfigFile> [options] [vars]',
    desc: "Update a running domain's saved configuration, used when rebuilding the domain after reboot.\nWARNING: xl now has better capability to manage domain configuration, avoid using this command when possible",
    option: `-h                      Print this help.
-f FILE, --defconfig=FILE
                     Use the given configuration file.
-d                      Enable debug messages.
`,
  },
  {
    name: 'list',
    usage: '[options] [Domain]\n',
    desc: 'List information about all/some domains',
    option: `-l, --long              Output all VM details
-v, --verbose           Prints out UUIDs and security context
-Z, --context           Prints out security context
-c, --cpupool           Prints the cpupool the domain is in
-n, --numa              Prints out NUMA node affinity`,
  },
  {
    name: 'destroy',
    modifies: true,
    usage: '[options] <Domain>\n',
    desc: 'Terminate a domain immediately',
    option: `-f                      Permit destroying domain 0, which will only succeed
                        when run from disaggregated toolstack domain with a
                        hardware domain distinct from domain 0.`,
  },
  {
    name: 'shutdown',
    modifies: true,
    usage: '[options] <-a|Domain>',
    desc: 'Issue a shutdown signal to a domain',
    option: `-a, --all               Shutdown all guest domains.
-h                      Print this help.
-F                      Fallback to ACPI power event for HVM guests with
                        no PV drivers.
-w, --wait              Wait for guest(s) to shutdown.
`,
  },
  {
    name: 'reboot',
    modifies: true,
    usage: '[options] <-a|Domain>',
    desc: 'Issue a reboot signal to a domain',
    option: `-a, --all               Shutdown all guest domains.
-h                      Print this help.
-F                      Fallback to ACPI reset event for HVM guests with
                        no PV drivers.
-w, --wait              Wait for guest(s) to reboot.
`,
  },
  {
    name: 'pci-attach',
    modifies: true,
    usage: '<Domain> <PCI_SPEC_STRING>',
    desc: 'Insert a new pass-through pci device',
  },
  {
    name: 'pci-detach',
    modifies: true,
    usage: '<Domain> <PCI_SPEC_STRING>',
    desc: "Remove a domain's pass-through pci device",
  },
  {
    name: 'pci-list',
    usage: '<Domain>',
    desc: 'List pass-through pci devices for a domain',
  },
  {
    name: 'pci-assignable-add',
    modifies: true,
    usage: '[options] <BDF>',
    desc: 'Make a device assignable for pci-passthru',
    option: `-n NAME, --name=NAME    Name the assignable device.
-h                      Print this help.
`,
  },
  {
    name: 'pci-assignable-remove',
    modifies: true,
    usage: '[options] <BDF>|NAME',
    desc: 'Remove a device from being assignable',
    option: `-h                      Print this help.
-r                      Attempt to re-assign the device to the
                        original driver.`,
  },
  {
    name: 'pci-assignable-list',
    usage: '[options]',
    desc: 'List all the assignable pci devices',
    option: `-h                      Print this help.
-n, --show-names        Display assignable device names where
                        supplied.
`,
  },
  {
    name: 'pause',
    modifies: true,
    usage: '<Domain>',
    desc: 'Pause execution of a domain',
  },
  {
    name: 'unpause',
    modifies: true,
    usage: '<Domain>',
    desc: 'Unpause a paused domain',
  },
  {
    name: 'console',
    usage: `[options] <Domain>
-t <type>       console type, pv , serial or vuart
-n <number>     console number`,
    desc: "Attach to domain's console",
  },
  {
    name: 'vncviewer',
    usage: `[options] <Domain>
--autopass               Pass VNC password to viewer via stdin and
                         -autopass
--vncviewer-autopass     (consistency alias for --autopass)`,
    desc: "Attach to domain's VNC server.",
  },
  {
    name: 'save',
    modifies: true,
    usage: '[options] <Domain> <CheckpointFile> [<ConfigFile>]',
    desc: 'Save a domain state to restore later',
    option: `-h  Print this help.
-c  Leave domain running after creating the snapshot.
-p  Leave domain paused after creating the snapshot.
-D  Store the domain id in the configuration.`,
  },
  {
    name: 'migrate',
    modifies: true,
    usage: '[options] <Domain> <host>',
    desc: 'Migrate a domain to another host',
    option:
      '-h              Print this help.\n' +
      '-C <config>     Send <config> instead of config file from creation.\n' +
      '-s <sshcommand> Use <sshcommand> instead of ssh.  String will be passed\n' +
      '                to sh. If empty, run <host> instead of ssh <host> xl\n' +
      '                migrate-receive [-d -e]\n' +
      '-e              Do not wait in the background (on <host>) for the death\n' +
      '                of the domain.\n' +
      '--debug         Print huge (!) amount of debug during the migration process.\n' +
      '-p              Do not unpause domain after migrating it.\n' +
      '-D              Preserve the domain id',
  },
  {
    name: 'restore',
    modifies: true,
    usage: '[options] [<ConfigFile>] <CheckpointFile>',
    desc: 'Restore a domain from a saved state',
    option: `-h                       Print this help.
-p                       Do not unpause domain after restoring it.
-e                       Do not wait in the background for the death of the domain.
-d                       Enable debug messages.
-V, --vncviewer          Connect to the VNC display after the domain is created.
-A, --vncviewer-autopass Pass VNC password to viewer via stdin.`,
  },
  {
    name: 'migrate-receive',
    modifies: true,
    usage: '- for internal use only',
    desc: 'Restore a domain from a saved state',
  },
  {
    name: 'dump-core',
    modifies: true,
    usage: '<Domain> <filename>',
    desc: 'Core dump a domain',
  },
  {
    name: 'cd-insert',
    canDryrun: true,
    modifies: true,
    usage: '<Domain> <VirtualDevice> <path>',
    desc: "Insert a cdrom into a guest's cd drive",
  },
  {
    name: 'cd-eject',
    canDryrun: true,
    modifies: true,
    usage: '<Domain> <VirtualDevice>',
    desc: "Eject a cdrom from a guest's cd drive",
  },
  {
    name: 'mem-max',
    modifies: true,
    usage: "<Domain> <MemMB['b'[bytes]|'k'[KB]|'m'[MB]|'g'[GB]|'t'[TB]]>",
    desc: 'Set the maximum amount reservation for a domain',
  },
  {
    name: 'mem-set',
    modifies: true,
    usage: "<Domain> <MemMB['b'[bytes]|'k'[KB]|'m'[MB]|'g'[GB]|'t'[TB]]>",
    desc: 'Set the current memory usage for a domain',
  },
  {
    name: 'button-press',
    modifies: true,
    usage: '<Domain> <Button>',
    desc: 'Indicate an ACPI button press to the domain',
    option: "<Button> may be 'power' or 'sleep'.",
  },
  {
    name: 'vcpu-list',
    usage: '[Domain, ...]',
    desc: 'List the VCPUs for all/some domains',
  },
  {
    name: 'vcpu-pin',
    canDryrun: true,
    modifies: true,
    usage: '[option] <Domain> <VCPU|all> <Hard affinity|-|all> <Soft affinity|-|all>',
    desc: 'Set which CPUs a VCPU can use',
    option: `-f, --force        undo an override pinning done by the kernel
--ignore-global-affinity-masks Ignore global masks in xl.conf`,
  },
  {
    name: 'vcpu-set',
    modifies: true,
    usage: '[option] <Domain> <vCPUs>',
    desc: 'Set the number of active VCPUs allowed for the domain',
    option: "-i, --ignore-host  Don't limit the vCPU based on the host CPU count",
  },
  {
    name: 'vm-list',
    usage: '',
    desc: 'List guest domains, excluding dom0, stubdoms, etc.',
  },
];
