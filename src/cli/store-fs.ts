/**
 * The few calls of node:fs that the state is kept with, as one value that is handed down.
 *
 * Production code passes `nodeStoreFs`; tests pass one that fails, or kills the process, at a chosen call.
 */
import fs from 'node:fs';

/** What the state needs of a file system. The names and errors are node's own. */
export type StoreFs = Pick<
  typeof fs,
  | 'openSync'
  | 'closeSync'
  | 'writeSync'
  | 'ftruncateSync'
  | 'fdatasyncSync'
  | 'fsyncSync'
  | 'renameSync'
  | 'unlinkSync'
  | 'mkdirSync'
  | 'rmSync'
  | 'readFileSync'
  | 'readdirSync'
  | 'existsSync'
  | 'copyFileSync'
>;

export const nodeStoreFs: StoreFs = fs;

/** Makes a directory's entries (a rename, a new file) survive a power loss. */
export function syncDirectory(fs: StoreFs, dir: string): void {
  const fd = fs.openSync(dir, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Writes a whole new file and makes its bytes survive a power loss; its directory entry is the caller's business. */
export function writeSynced(fs: StoreFs, path: string, data: Uint8Array): void {
  const fd = fs.openSync(path, 'w', 0o644);
  try {
    writeAll(fs, fd, data, 0);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Writes all of `data` at `position`, however little one call takes. */
export function writeAll(fs: StoreFs, fd: number, data: Uint8Array, position: number): void {
  let done = 0;
  while (done < data.length) {
    done += fs.writeSync(fd, data, done, data.length - done, position + done);
  }
}

/** The code of a system call's error (`ENOSPC`), or null for any other throw. */
export function systemErrorCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null;
  return 'syscall' in error ? error.code : null;
}
