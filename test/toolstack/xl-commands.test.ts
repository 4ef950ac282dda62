import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cmdTable, helpCommand } from '../../src/toolstack/xl-cmdtable.ts';
import { REFUSED } from '../../src/toolstack/xl-refused.ts';
import { xl } from './scene-host.ts';

/** An xl.conf of this text. */
const conf = (text: string) => ({ readFile: (path: string) => (path === '/etc/xen/xl.conf' ? text : -2) });
/** The one file a command names. */
const file = (name: string, text: string) => ({
  readFile: (path: string) => (path === name ? text : path === '/etc/xen/xl.conf' ? '' : -2),
});
const quiet = conf('');
const run = (...words: string[]) => xl(words, quiet);

describe('main', () => {
  it('carries on without xl.conf, and says so', () => {
    const { exit, stderr, stdout } = xl(['domid', 'guest']);
    expect([exit, stdout]).toEqual([0, '5\n']);
    expect(stderr).toBe('Failed to read config file: /etc/xen/xl.conf: No such file or directory\n');
  });

  it('ends at an xl.conf that is no config', () => {
    const { exit, stderr } = xl(['list'], conf('claim_mode=\n'));
    expect(exit).toBe(1);
    expect(stderr).toContain('/etc/xen/xl.conf:');
    expect(stderr.endsWith('Failed to parse config file: Invalid argument\n')).toBe(true);
  });

  it('ends without a word at a grant limit out of range', () => {
    expect(xl(['list'], conf('max_grant_frames=4294967296\n'))).toMatchObject({
      exit: 1,
      stdout: '',
      stderr: '',
    });
  });

  it('says what is wrong with a mask between the settings before it and those after', () => {
    const text = 'autoballoon="x"\nvm.cpumask="9-1"\ndomid_policy="y"\n';
    const { exit, stderr } = xl(['domid', 'guest'], conf(text));
    expect(stderr).toBe('invalid autoballoon optionInvalid pcpu range: 9-1.\ninvalid domid_policy option');
    expect(exit).toBe(0);
  });

  it('answers any words with an exit status from 0 to 255 and never fails itself', () => {
    const word = fc.oneof(
      fc.constantFrom(...cmdTable.map((c) => c.name).filter((name) => name !== 'create')),
      fc.constantFrom('-h', '-v', '-N', '-l', '--', '0', '5', '9', '77', 'guest', '42', 'a=b', ''),
      fc.string({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (words) => {
        const { exit } = xl(words, quiet);
        expect(exit).toBeGreaterThanOrEqual(0);
        expect(exit).toBeLessThanOrEqual(255);
      }),
    );
  });
});

describe('find_domain', () => {
  it('takes digits and the empty word as an id without asking, so that a name of digits cannot be found', () => {
    expect(run('list', '42').stderr).toBe("Error: Domain '42' does not exist.\n");
    expect(run('list', '').stdout).toContain('Domain-0');
    expect(run('domid', '42').stdout).toBe('9\n');
  });

  it('refuses a name nobody has', () => {
    expect(run('pause', 'nobody')).toMatchObject({
      exit: 1,
      stderr: 'nobody is an invalid domain identifier (rc=-6)\n',
    });
  });

  it('reports a list that cannot be had before the name', () => {
    const { stderr } = xl(['pause', 'guest'], { ...quiet, extra: 'fail sysctl.6 1\n' });
    expect(stderr).toBe(
      'libxl: error: libxl_domain.c:335:libxl_list_domain: getting domain info list: Operation not permitted\n' +
        'guest is an invalid domain identifier (rc=-5)\n',
    );
  });
});

describe('list_domains', () => {
  it('counts what is claimed and not yet got as memory', () => {
    // (25600 + 256) pages of 4 KiB are 101 MiB.
    expect(run('list', 'guest').stdout.split('\n')[1]).toBe(
      'guest                                        5   101     2     --p---       0.0',
    );
  });

  it('shows the reason letter of a domain that has shut down', () => {
    expect(run('list', '9').stdout).toContain('     ---sc-  ');
  });

  it('rounds a tie of seconds to the even digit', () => {
    expect(run('list', '0').stdout.endsWith('     0.2\n')).toBe(true);
  });

  it('ends inside the heading when the number of nodes cannot be told', () => {
    const { exit, stdout, stderr } = xl(['list', '-n'], { ...quiet, extra: 'fail sysctl.3 1\n' });
    expect(exit).toBe(1);
    expect(stdout.endsWith('Time(s)')).toBe(true);
    expect(stderr.endsWith('libxl_node_bitmap_alloc_failed.\n')).toBe(true);
  });
});

describe('main_claims', () => {
  it('warns when claims are off, and lists them all the same', () => {
    const { exit, stderr, stdout } = xl(['claims'], conf('claim_mode=0\n'));
    expect([exit, stderr]).toEqual([0, 'claim_mode not enabled (see man xl.conf).\n']);
    expect(stdout.split('\n')[2]?.endsWith('     1')).toBe(true);
  });
});

describe('main_info', () => {
  it('prints the values of every line that begins with the word', () => {
    expect(run('info', 'free').stdout).toBe('2047\n0\n');
    expect(run('info', 'nosuch')).toMatchObject({ exit: 0, stdout: '' });
  });

  it('takes the word for nothing when -n is there', () => {
    expect(run('info', '-n', 'free').stdout).toContain('numa_info              :\n');
  });

  it('wraps free memory below zero as unsigned arithmetic does', () => {
    const { stdout } = xl(['info', 'free_memory'], { ...quiet, extra: 'host free_pages=0\n' });
    expect(stdout).toBe(`${(2n ** 64n - 256n) / 256n}\n`);
  });
});

describe('main_domname', () => {
  it('reads what strtol reads', () => {
    expect(run('domname', ' +5x').stdout).toBe('guest\n');
    expect(run('domname', 'x5')).toMatchObject({ exit: 1, stderr: 'Invalid domain id.\n\n' });
    expect(run('domname', '--', '-1').stderr).toContain("domain id '4294967295'");
  });
});

describe('main_uptime', () => {
  it('says one day in the singular', () => {
    expect(run('uptime', 'guest').stdout.split('\n')[1]).toBe(
      'guest                                5 1 day,  0:00:01',
    );
  });

  it('prints nothing for a domain without a start time but libxl’s error', () => {
    const { exit, stdout, stderr } = run('uptime', '9');
    expect([exit, stdout.split('\n').length]).toEqual([0, 2]);
    expect(stderr).toContain("Domain 9:Can't get start time of domain\n");
  });
});

describe('main_vcpupin', () => {
  it('shows the maps of a dry run and asks for nothing', () => {
    expect(run('-N', 'vcpu-pin', 'guest', '0', '1-2', '0,3')).toMatchObject({
      exit: 0,
      stdout: 'cpumap: 1-2 0,3\n',
      trace: [],
    });
  });

  it('pins every vcpu for all, and refuses what is no vcpu', () => {
    expect(run('vcpu-pin', 'guest', 'all', '1').trace).toHaveLength(4);
    expect(run('vcpu-pin', 'guest', 'x', '1').stderr).toBe('Error: Invalid argument x as VCPU.\n');
    expect(run('vcpu-pin', '-f', 'guest', 'all', '1').exit).toBe(1);
  });
});

describe('vcpuset', () => {
  it('writes what each vcpu is to be', () => {
    const lines = xl(['vcpu-set', 'guest', '3'], { ...quiet, extra: 'xs /libxl/5/type pvh\n' }).trace;
    const state = (vcpu: number, word: string) =>
      `xs write /local/domain/5/cpu/${vcpu}/availability = ${word}`;
    expect(lines).toEqual([state(0, 'online'), state(1, 'online'), state(2, 'online'), state(3, 'offline')]);
  });

  it('refuses more than the host has unless told not to look, then more than the guest may have', () => {
    expect(run('vcpu-set', 'guest', '9').stderr).toContain('You have 4 physical CPUs and want 9 vCPUs!');
    expect(run('vcpu-set', '-i', 'guest', '9').stderr).toContain('Requested 9 VCPUs, however maxcpus is 4!');
    expect(run('vcpu-set', 'guest', '0').stderr).toContain('Requested 0 VCPUs!');
    expect(run('vcpu-set', 'guest', 'x').stderr).toBe('Error: Invalid argument.\n');
  });
});

describe('main_cpupoolcreate', () => {
  const pool = file('p.cfg', 'name = "p"\ncpus = ["0", "1"]\n');
  const free = { ...pool, extra: 'host free_cpus=2\n' };

  it('shows what it would make', () => {
    expect(xl(['cpupool-create', '-n', 'p.cfg'], free)).toMatchObject({
      exit: 0,
      stdout: 'Using config file "p.cfg"\ncpupool name:   p\nscheduler:      credit2\nnumber of cpus: 2\n',
    });
  });

  it('refuses a cpu that is not free, a name that is taken and a scheduler nobody knows', () => {
    expect(xl(['cpupool-create', 'p.cfg'], pool).stderr).toBe('cpu 0 illegal or not free\n');
    expect(xl(['cpupool-create', 'p.cfg', 'name="Pool-0"'], free).stderr).toBe(
      'Pool name "Pool-0" already exists\n',
    );
    expect(xl(['cpupool-create', 'p.cfg', 'sched="x"'], free).stderr).toBe('Unknown scheduler\n');
  });

  it('asks for a name where no file lends one', () => {
    expect(xl(['cpupool-create', 'cpus=[]'], free).stderr).toBe('Missing cpupool name!\n');
  });
});

describe('main_sched_credit2', () => {
  it('refuses options that do not go together', () => {
    expect(run('sched-credit2', '-p', 'Pool-0', '-d', 'guest').exit).toBe(1);
    expect(run('sched-credit2', '-w', '5').stderr).toBe('Must specify a domain.\n');
    expect(run('sched-credit2', '-p', 'nosuch').stderr).toBe("unknown cpupool 'nosuch'\n");
  });
});

describe('main_config_update', () => {
  const guest = file('g.cfg', 'name = "g"\nkernel = "/k"\nmemory = 64\n');

  it('keeps the text for the next reboot', () => {
    const { exit, stderr } = xl(['config-update', 'guest', 'g.cfg'], guest);
    expect(exit).toBe(0);
    expect(stderr.endsWith('setting dom5 configuration\n')).toBe(true);
  });

  it('leaves with the status of a file that cannot be read', () => {
    expect(run('config-update', 'guest', 'nosuch').exit).toBe(253);
  });

  it('shows a dry run and keeps nothing', () => {
    const { stdout, stderr } = xl(['-N', 'config-update', 'guest', 'g.cfg'], guest);
    expect(stdout.startsWith('{\n    "c_info": {')).toBe(true);
    expect(stderr).not.toContain('setting dom');
  });
});

describe('a command that is not simulated', () => {
  it('still shows its help and refuses wrong options', () => {
    for (const name of Object.keys(REFUSED)) {
      expect(run(name, '-h')).toMatchObject({ exit: 0, stdout: helpCommand(name) });
      expect(run(name, '-?').exit).toBe(2);
    }
  });

  it('asks for missing words, looks the domain up, and is refused by name with 1', () => {
    expect(run('console').exit).toBe(2);
    expect(run('console', 'nobody').stderr).toContain('invalid domain identifier');
    expect(run('console', 'guest')).toMatchObject({ exit: 1, stdout: '' });
    expect(run('console', 'guest').stderr).toContain('xl console is not simulated');
  });
});
