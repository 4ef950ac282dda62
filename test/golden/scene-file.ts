/** Scene files: the pretended hosts of the recordings, one fact a line. */

/** A parsed scene file. */
export interface Scene {
  readonly host: Readonly<Record<string, string>>;
  readonly doms: readonly Readonly<Record<string, string>>[];
  readonly xs: readonly (readonly [path: string, value: string])[];
  /** Errno by request: `domctl.11`, `sysctl.3`, `memory.24`, `xencall_open`, `xs_open`. */
  readonly fails: Readonly<Record<string, number>>;
}

/** Reads a scene file's text. */
export function parseScene(text: string): Scene {
  const host: Record<string, string> = {};
  const doms: Record<string, string>[] = [];
  const xs: [string, string][] = [];
  const fails: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.split(' ');
    if (word === 'host') {
      const [key, ...value] = rest.join(' ').split('=');
      host[key ?? ''] = value.join('=');
    } else if (word === 'dom') {
      const dom: Record<string, string> = {};
      for (const part of rest) {
        const [key, ...value] = part.split('=');
        dom[key ?? ''] = value.join('=');
      }
      doms.push(dom);
    } else if (word === 'xs') {
      xs.push([rest[0] ?? '', rest.slice(1).join(' ')]);
    } else if (word === 'fail') {
      fails[rest[0] ?? ''] = Number(rest[1]);
    }
  }
  return { host, doms, xs, fails };
}
