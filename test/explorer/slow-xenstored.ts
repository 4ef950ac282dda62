/**
 * xenstored as a flat data base of nodes with generations, word for word: a node's key, its value, its children's
 * names, its generation. Transactions have their own copies of the nodes they access. For comparison only.
 */
import { EAGAIN, EINVAL, ENOENT } from '../../src/hypervisor/errno.ts';
import type { XsCall, XsReply } from '../../src/toolstack/xenstore.ts';

interface Node {
  value: string;
  names: string[];
  generation: number;
}

interface Accessed {
  /** Of the node when it was accessed first; 0: it was not there. */
  generation: number;
  isModified: boolean;
  own: Node | null;
}

interface Transaction {
  accessed: Map<string, Accessed>;
  /** The old kind: a copy of all nodes, and the generation of the store at its start. */
  copy: Map<string, Node> | null;
  base: number;
}

export class SlowXenstored {
  nodes = new Map<string, Node>([['/', { value: '', names: [], generation: 1 }]]);
  generation = 2;
  /** Of the old kind: rises with every change of the store. */
  changes = 0;
  transactions = new Map<number, Transaction>();
  next = 1;

  constructor(readonly isOld: boolean) {}

  serve(call: XsCall): XsReply {
    if (call.op === 'transaction_start') return this.start();
    if (call.op === 'transaction_end') return this.end(call.tx, call.abort);
    if (call.op === 'introduce' || call.op === 'release') throw new Error('not here');
    const tx = call.tx === undefined ? null : this.transactions.get(call.tx);
    if (tx === undefined) return { rc: -EINVAL };
    const before = this.changes;
    const reply = this.doOne(tx, call);
    if (tx !== null) this.changes = before;
    return reply;
  }

  private start(): XsReply {
    const copy = this.isOld
      ? new Map([...this.nodes].map(([path, n]) => [path, { ...n, names: [...n.names] }]))
      : null;
    this.transactions.set(this.next, { accessed: new Map(), copy, base: this.changes });
    return { rc: 0, tx: this.next++ };
  }

  private end(id: number, abort: boolean): XsReply {
    const tx = this.transactions.get(id);
    if (tx === undefined) return { rc: -EINVAL };
    this.transactions.delete(id);
    if (abort) return { rc: 0 };
    if (tx.copy !== null) {
      if (tx.base !== this.changes) return { rc: -EAGAIN };
      this.nodes = tx.copy;
      this.changes++;
      return { rc: 0 };
    }
    for (const [path, { generation }] of tx.accessed) {
      if ((this.nodes.get(path)?.generation ?? 0) !== generation) return { rc: -EAGAIN };
    }
    for (const [path, { isModified, own }] of tx.accessed) {
      if (!isModified) continue;
      if (own === null) this.nodes.delete(path);
      else this.nodes.set(path, { ...own, generation: this.generation++ });
    }
    return { rc: 0 };
  }

  private doOne(tx: Transaction | null, call: XsCall & { path: string }): XsReply {
    const { path } = call;
    let node = this.read(tx, path);
    // get_node(): whoever misses a node asks its parents.
    if (node === null) {
      for (let above = up(path); above !== null; above = up(above)) if (this.read(tx, above) !== null) break;
    }
    switch (call.op) {
      case 'read':
        return node === null ? { rc: -ENOENT } : { rc: 0, value: node.value };
      case 'directory':
        return node === null ? { rc: -ENOENT } : { rc: 0, entries: [...node.names] };
      case 'mkdir':
        if (node === null) this.construct(tx, path, '');
        return { rc: 0 };
      case 'write':
        if (node === null) this.construct(tx, path, call.value);
        else this.write(tx, path, { ...node, value: call.value });
        return { rc: 0 };
      case 'rm': {
        const above = up(path)!;
        const parent = this.read(tx, above);
        if (node === null) return { rc: parent === null ? -ENOENT : 0 };
        if (parent === null) return { rc: -EINVAL };
        const kill = (at: string): void => {
          node = this.read(tx, at);
          for (const name of node?.names ?? []) kill(`${at}/${name}`);
          this.write(tx, at, null);
        };
        kill(path);
        const name = path.slice(path.lastIndexOf('/') + 1);
        this.write(tx, above, { ...parent, names: parent.names.filter((other) => other !== name) });
        return { rc: 0 };
      }
      default:
        throw new Error('not here');
    }
  }

  private construct(tx: Transaction | null, path: string, value: string): void {
    const above = up(path)!;
    if (this.read(tx, above) === null) this.construct(tx, above, '');
    const parent = this.read(tx, above)!;
    this.write(tx, above, { ...parent, names: [...parent.names, path.slice(path.lastIndexOf('/') + 1)] });
    this.write(tx, path, { value, names: [], generation: 0 });
  }

  private read(tx: Transaction | null, path: string): Node | null {
    if (tx === null) return this.nodes.get(path) ?? null;
    if (tx.copy !== null) return tx.copy.get(path) ?? null;
    const known = tx.accessed.get(path);
    if (known !== undefined) return known.own;
    const own = this.nodes.get(path) ?? null;
    tx.accessed.set(path, { generation: own?.generation ?? 0, isModified: false, own });
    return own;
  }

  private write(tx: Transaction | null, path: string, node: Node | null): void {
    const nodes = tx === null ? this.nodes : tx.copy;
    if (nodes === null) {
      const known = tx!.accessed.get(path)!;
      known.isModified = true;
      known.own = node;
      return;
    }
    this.changes++;
    if (node === null) nodes.delete(path);
    else nodes.set(path, { ...node, generation: this.generation++ });
  }
}

const up = (path: string): string | null =>
  path === '/' ? null : path.slice(0, Math.max(1, path.lastIndexOf('/')));
