/**
 * xl's command table, part of it in the table's order: pool, policy, platform and USB commands. Xen: cmd_table, tools/xl/xl_cmdtable.c.
 *
 * The texts are xl's own, as scripts that read them expect. Names to descriptions only: what a command does
 * lives in its flow.
 */
import type { CmdSpec } from './xl-cmd-spec.ts';

export const PLATFORM_COMMANDS: readonly CmdSpec[] = [
  {
    name: 'uptime',
    usage: '[-s] [Domain]',
    desc: 'Print uptime for all/some domains',
  },
  {
    name: 'claims',
    usage: '',
    desc: 'List outstanding claim information about all domains',
    option: '',
  },
  {
    name: 'cpupool-create',
    canDryrun: true,
    modifies: true,
    usage: '[options] [<ConfigFile>] [Variable=value ...]',
    desc: 'Create a new CPU pool',
    option: `-h, --help                   Print this help.
-f FILE, --defconfig=FILE    Use the given configuration file.
-n, --dryrun                 Dry run - prints the resulting configuration.
                              (deprecated in favour of global -N option).

See the xlcpupool.cfg(5) manpage for more information.`,
  },
  {
    name: 'cpupool-list',
    usage: '[-c|--cpus] [<CPU Pool>]',
    desc: 'List CPU pools on host',
    option: '-c, --cpus                     Output list of CPUs used by a pool',
  },
  {
    name: 'cpupool-destroy',
    modifies: true,
    usage: '<CPU Pool>',
    desc: 'Deactivates a CPU pool',
  },
  {
    name: 'cpupool-rename',
    modifies: true,
    usage: '<CPU Pool> <new name>',
    desc: 'Renames a CPU pool',
  },
  {
    name: 'cpupool-cpu-add',
    modifies: true,
    usage: '<CPU Pool> <CPU nr>|node:<node nr>',
    desc: 'Adds a CPU to a CPU pool',
  },
  {
    name: 'cpupool-cpu-remove',
    modifies: true,
    usage: '<CPU Pool> <CPU nr>|node:<node nr>',
    desc: 'Removes a CPU from a CPU pool',
  },
  {
    name: 'cpupool-migrate',
    modifies: true,
    usage: '<Domain> <CPU Pool>',
    desc: 'Moves a domain into a CPU pool',
  },
  {
    name: 'cpupool-numa-split',
    modifies: true,
    usage: '',
    desc: 'Splits up the machine into one CPU pool per NUMA node',
  },
  {
    name: 'getenforce',
    usage: '',
    desc: 'Returns the current enforcing mode of the Flask Xen security module',
  },
  {
    name: 'setenforce',
    modifies: true,
    usage: '<1|0|Enforcing|Permissive>',
    desc: 'Sets the current enforcing mode of the Flask Xen security module',
  },
  {
    name: 'loadpolicy',
    modifies: true,
    usage: '<policy file>',
    desc: 'Loads a new policy into the Flask Xen security module',
  },
  {
    name: 'remus',
    modifies: true,
    usage: '[options] <Domain> [<host>]',
    desc: 'Enable Remus HA for domain',
    option: `-i MS                   Checkpoint domain memory every MS milliseconds (def. 200ms).
-u                      Disable memory checkpoint compression.
-s <sshcommand>         Use <sshcommand> instead of ssh.  String will be passed
                        to sh. If empty, run <host> instead of 
                        ssh <host> xl migrate-receive -r [-e]
-e                      Do not wait in the background (on <host>) for the death
                        of the domain.
-N <netbufscript>       Use netbufscript to setup network buffering instead of the
                        default script (/etc/xen/scripts/remus-netbuf-setup).
-F                      Enable unsafe configurations [-b|-n|-d flags]. Use this option
                        with caution as failover may not work as intended.
-b                      Replicate memory checkpoints to /dev/null (blackhole).
                        Works only in unsafe mode.
-n                      Disable network output buffering. Works only in unsafe mode.
-d                      Disable disk replication. Works only in unsafe mode.
-c                      Enable COLO HA. It is conflict with -i and -b, and memory
                        checkpoint must be disabled.
-p                      Use COLO userspace proxy.`,
  },
  {
    name: 'devd',
    modifies: true,
    usage: '[options]',
    desc: 'Daemon that listens for devices and launches backends',
    option: `-F                      Run in the foreground.
-p, --pidfile [FILE]    Write PID to pidfile when daemonizing.`,
  },
  {
    name: 'psr-hwinfo',
    modifies: true,
    usage: '[options]',
    desc: 'Show hardware information for Platform Shared Resource',
    option: `-m, --cmt       Show Cache Monitoring Technology (CMT) hardware info
-a, --cat       Show Cache Allocation Technology (CAT) hardware info
-b, --mba       Show Memory Bandwidth Allocation (MBA) hardware info
`,
  },
  {
    name: 'psr-cmt-attach',
    modifies: true,
    usage: '<Domain>',
    desc: 'Attach Cache Monitoring Technology service to a domain',
  },
  {
    name: 'psr-cmt-detach',
    modifies: true,
    usage: '<Domain>',
    desc: 'Detach Cache Monitoring Technology service from a domain',
  },
  {
    name: 'psr-cmt-show',
    modifies: true,
    usage: '<PSR-CMT-Type> <Domain>',
    desc: 'Show Cache Monitoring Technology information',
    option: `Available monitor types:
"cache-occupancy":         Show L3 cache occupancy(KB)
"total-mem-bandwidth":     Show total memory bandwidth(KB/s)
"local-mem-bandwidth":     Show local memory bandwidth(KB/s)
`,
  },
  {
    name: 'psr-cat-set',
    modifies: true,
    usage: '[options] <Domain> <CBM>',
    desc: 'Set cache capacity bitmasks(CBM) for a domain',
    option: `-s <socket>       Specify the socket to process, otherwise all sockets are processed
-l <level>        Specify the cache level to process, otherwise L3 cache is processed
-c                Set code CBM if CDP is supported
-d                Set data CBM if CDP is supported
`,
  },
  {
    name: 'psr-cat-show',
    modifies: true,
    usage: '[options] <Domain>',
    desc: 'Show Cache Allocation Technology information',
    option: '-l <level>        Specify the cache level to process, otherwise L3 cache is processed\n',
  },
  {
    name: 'psr-mba-set',
    modifies: true,
    usage: '[options] <Domain> <THRTL>',
    desc: 'Set throttling value (THRTL) for a domain',
    option: '-s <socket>       Specify the socket to process, otherwise all sockets are processed\n',
  },
  {
    name: 'psr-mba-show',
    modifies: true,
    usage: '<Domain>',
    desc: 'Show Memory Bandwidth Allocation information',
  },
  {
    name: 'usbctrl-attach',
    modifies: true,
    usage: '<Domain> [type=pv] [version=<version>] [ports=<number>]',
    desc: 'Create a virtual USB controller for a domain',
  },
  {
    name: 'usbctrl-detach',
    modifies: true,
    usage: '<Domain> <DevId>',
    desc: 'Remove the virtual USB controller specified by <DevId> for a domain',
  },
  {
    name: 'usbdev-attach',
    modifies: true,
    usage: '<Domain> hostbus=<busnum> hostaddr=<devnum> [controller=<DevId> [port=<port>]]',
    desc: 'Attach a USB device to a domain',
  },
  {
    name: 'usbdev-detach',
    modifies: true,
    usage: '<Domain> <controller> <port>',
    desc: 'Detach a USB device from a domain',
  },
  {
    name: 'usb-list',
    usage: '<Domain>',
    desc: 'List information about all USB controllers and devices for a domain',
  },
  {
    name: 'qemu-monitor-command',
    modifies: true,
    usage: '<Domain> <Command>',
    desc: 'Issue a qemu monitor command to the device model of a domain',
  },
];
