/** The process's two output streams: bytes in order, written at once, quiet when nobody reads any more. */
import { writeSync } from 'node:fs';
import { systemErrorCode } from './store-fs.ts';

export type Stream = 'stdout' | 'stderr';

/** Where a command's text goes. */
export interface Terminal {
  readonly write: (stream: Stream, data: Uint8Array) => void;
  readonly isTerminal: (stream: Stream) => boolean;
}

/** Standard output takes nothing more, and somebody still reads it. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
}

/**
 * The terminal of this process. A reader that has gone away (EPIPE) is no error: nothing more is written there. Nor is
 * standard error that cannot be written, there being nowhere to say so. Throws OutputError.
 */
export function processTerminal(): Terminal {
  const closed: Record<Stream, boolean> = { stdout: false, stderr: false };
  const fds: Record<Stream, number> = { stdout: 1, stderr: 2 };
  return {
    isTerminal: (stream) => process[stream].isTTY === true,
    write: (stream, data) => {
      if (closed[stream]) return;
      try {
        writeBlocking(fds[stream], data);
      } catch (error) {
        const code = systemErrorCode(error);
        if (code === null) throw error;
        closed[stream] = true;
        if (code !== 'EPIPE' && stream === 'stdout') throw new OutputError(code);
      }
    },
  };
}

/** Writes everything even where the descriptor does not block. */
function writeBlocking(fd: number, data: Uint8Array): void {
  const waiter = new Int32Array(new SharedArrayBuffer(4));
  let done = 0;
  while (done < data.length) {
    try {
      done += writeSync(fd, data, done);
    } catch (error) {
      if (systemErrorCode(error) !== 'EAGAIN') throw error;
      Atomics.wait(waiter, 0, 0, 1);
    }
  }
}
