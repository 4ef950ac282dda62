/**
 * xl's command table, part of it in the table's order: virtual device commands. Xen: cmd_table, tools/xl/xl_cmdtable.c.
 *
 * The texts are xl's own, as scripts that read them expect. Names to descriptions only: what a command does
 * lives in its flow.
 */
import type { CmdSpec } from './xl-cmd-spec.ts';

export const DEVICE_COMMANDS: readonly CmdSpec[] = [
  {
    name: 'network-attach',
    canDryrun: true,
    modifies: true,
    usage:
      '<Domain> [type=<type>] [mac=<mac>] [bridge=<bridge>] [ip=<ip>] [script=<script>] [backend=<BackDomain>] [vifname=<name>] [rate=<rate>] [model=<model>] [accel=<accel>] [mtu=<mtu>]',
    desc: 'Create a new virtual network device',
  },
  {
    name: 'network-list',
    usage: '<Domain(s)>',
    desc: 'List virtual network interfaces for a domain',
  },
  {
    name: 'network-detach',
    modifies: true,
    usage: '<Domain> <DevId|mac>',
    desc: "Destroy a domain's virtual network device",
  },
  {
    name: 'channel-list',
    usage: '<Domain(s)>',
    desc: 'List virtual channel devices for a domain',
  },
  {
    name: 'block-attach',
    canDryrun: true,
    modifies: true,
    usage: '<Domain> <disk-spec-component(s)>...',
    desc: 'Create a new virtual block device',
  },
  {
    name: 'block-list',
    usage: '<Domain(s)>',
    desc: 'List virtual block devices for a domain',
  },
  {
    name: 'block-detach',
    modifies: true,
    usage: '[option] <Domain> <DevId>',
    desc: "Destroy a domain's virtual block device",
    option: '-f, --force        do not wait for the domain to release the device',
  },
  {
    name: 'vtpm-attach',
    canDryrun: true,
    modifies: true,
    usage: '<Domain> [uuid=<uuid>] [backend=<BackDomain>]',
    desc: 'Create a new virtual TPM device',
  },
  {
    name: 'vtpm-list',
    usage: '<Domain(s)>',
    desc: 'List virtual TPM devices for a domain',
  },
  {
    name: 'vtpm-detach',
    modifies: true,
    usage: '<Domain> <DevId|uuid>',
    desc: "Destroy a domain's virtual TPM device",
  },
  {
    name: 'vkb-attach',
    canDryrun: true,
    modifies: true,
    usage: '<Domain> <vkb-spec-component(s)>...',
    desc: 'Create a new virtual keyboard device',
  },
  {
    name: 'vkb-list',
    usage: '<Domain(s)>',
    desc: 'List virtual keyboard devices for a domain',
  },
  {
    name: 'vkb-detach',
    modifies: true,
    usage: '<Domain> <DevId>',
    desc: "Destroy a domain's virtual keyboard device",
  },
  {
    name: 'vdispl-attach',
    canDryrun: true,
    modifies: true,
    usage: "<Domain> [backend=<BackDomain>] [be-alloc=<BackAlloc>] [connectors='<Connectors>']",
    desc: 'Create a new virtual display device',
    option: `    BackAlloc  - set to 1 to if backend allocates display buffers
    Connectors - list of connector's description in ID:WxH format,
                 where: ID - unique connector ID, W - connector width,
                 H - connector height: connectors='id0:800x600;id1:1024x768'
`,
  },
  {
    name: 'vdispl-list',
    usage: '<Domain(s)>',
    desc: 'List virtual display devices for a domain',
  },
  {
    name: 'vdispl-detach',
    modifies: true,
    usage: '<Domain> <DevId>',
    desc: "Destroy a domain's virtual display device",
  },
  {
    name: 'vsnd-attach',
    canDryrun: true,
    modifies: true,
    usage: '<Domain> <vsnd-spec-component(s)>...',
    desc: 'Create a new virtual sound device',
  },
  {
    name: 'vsnd-list',
    usage: '<Domain(s)>',
    desc: 'List virtual display devices for a domain',
  },
  {
    name: 'vsnd-detach',
    modifies: true,
    usage: '<Domain> <DevId>',
    desc: "Destroy a domain's virtual sound device",
  },
];
