/**
 * xl's command table, part of it in the table's order: host, scheduler and naming commands. Xen: cmd_table, tools/xl/xl_cmdtable.c.
 *
 * The texts are xl's own, as scripts that read them expect. Names to descriptions only: what a command does
 * lives in its flow.
 */
import type { CmdSpec } from './xl-cmd-spec.ts';

export const HOST_COMMANDS: readonly CmdSpec[] = [
  {
    name: 'info',
    usage: '-n, --numa         List host NUMA topology information',
    desc: 'Get information about Xen host',
  },
  {
    name: 'sharing',
    usage: '[Domain]',
    desc: 'Get information about page sharing',
  },
  {
    name: 'sched-credit',
    modifies: true,
    usage: '[-d <Domain> [-w[=WEIGHT]|-c[=CAP]]] [-s [-t TSLICE] [-r RATELIMIT]] [-p CPUPOOL]',
    desc: 'Get/set credit scheduler parameters',
    option: `-d DOMAIN, --domain=DOMAIN        Domain to modify
-w WEIGHT, --weight=WEIGHT        Weight (int)
-c CAP, --cap=CAP                 Cap (int)
-s         --schedparam           Query / modify scheduler parameters
-t TSLICE, --tslice_ms=TSLICE     Set the timeslice, in milliseconds
-r RLIMIT, --ratelimit_us=RLIMIT  Set the scheduling rate limit, in microseconds
-m DLY, --migration_delay_us=DLY  Set the migration delay, in microseconds
-p CPUPOOL, --cpupool=CPUPOOL     Restrict output to CPUPOOL`,
  },
  {
    name: 'sched-credit2',
    modifies: true,
    usage: '[-d <Domain> [-w[=WEIGHT]]] [-p CPUPOOL]',
    desc: 'Get/set credit2 scheduler parameters',
    option: `-d DOMAIN, --domain=DOMAIN     Domain to modify
-w WEIGHT, --weight=WEIGHT     Weight (int)
-c CAP,    --cap=CAP           Cap (int)
-s         --schedparam        Query / modify scheduler parameters
-r RLIMIT, --ratelimit_us=RLIMIT Set the scheduling rate limit, in microseconds
-p CPUPOOL, --cpupool=CPUPOOL  Restrict output to CPUPOOL`,
  },
  {
    name: 'sched-rtds',
    modifies: true,
    usage: '[-d <Domain> [-v[=VCPUID/all]] [-p[=PERIOD]] [-b[=BUDGET]] [-e[=Extratime]]]',
    desc: 'Get/set rtds scheduler parameters',
    option: `-d DOMAIN, --domain=DOMAIN     Domain to modify
-v VCPUID/all, --vcpuid=VCPUID/all    VCPU to modify or output;
               Using '-v all' to modify/output all vcpus
-p PERIOD, --period=PERIOD     Period (us)
-b BUDGET, --budget=BUDGET     Budget (us)
-e Extratime, --extratime=Extratime Extratime (1=yes, 0=no)
`,
  },
  {
    name: 'domid',
    usage: '<DomainName>',
    desc: 'Convert a domain name to domain id',
  },
  {
    name: 'domname',
    usage: '<DomainId>',
    desc: 'Convert a domain id to domain name',
  },
  {
    name: 'rename',
    modifies: true,
    usage: '<Domain> <NewDomainName>',
    desc: 'Rename a domain',
  },
  {
    name: 'trigger',
    modifies: true,
    usage: '<Domain> <nmi|reset|init|power|sleep|s3resume> [<VCPU>]',
    desc: 'Send a trigger to a domain',
  },
  {
    name: 'sysrq',
    modifies: true,
    usage: '<Domain> <letter>',
    desc: 'Send a sysrq to a domain',
  },
  {
    name: 'debug-keys',
    modifies: true,
    usage: '<Keys>',
    desc: 'Send debug keys to Xen',
  },
  {
    name: 'set-parameters',
    modifies: true,
    usage: '<Params>',
    desc: 'Set hypervisor parameters',
  },
  {
    name: 'dmesg',
    usage: '[-c]',
    desc: 'Read and/or clear dmesg buffer',
    option: '  -c                        Clear dmesg buffer as well as printing it',
  },
  {
    name: 'top',
    usage: '',
    desc: 'Monitor a host and the domains in real time',
  },
];
