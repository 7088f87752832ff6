import type { Writable } from "node:stream";

/** How many bytes may wait for a slow reader before the sender has to hold back. */
export const UNSENT_BYTES_MAX = 256 * 1024;

/** A stream of answers that is filled no faster than it is read. */
export interface PacedStream {
  /** Sends a message; false when the reader is slow and the sender should hold back. */
  send(bytes: Buffer): boolean;
  /** Resolves once a slow reader has caught up, or is gone. */
  drained(): Promise<void>;
}

/**
 * Counts what a stream has taken and not yet passed on. A gRPC stream itself counts messages, of which
 * sixteen may be as many mebibytes.
 */
export function paceStream(stream: Writable): PacedStream {
  let unsent = 0;
  let gone = false;
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };
  const leave = (): void => {
    gone = true;
    wake();
  };
  for (const event of ["close", "error", "cancelled"]) stream.once(event, leave);
  return {
    send(bytes) {
      if (gone) return true;
      unsent += bytes.length;
      stream.write(bytes, () => {
        unsent -= bytes.length;
        if (unsent < UNSENT_BYTES_MAX) wake();
      });
      return unsent < UNSENT_BYTES_MAX;
    },
    drained() {
      if (gone || unsent < UNSENT_BYTES_MAX) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}
