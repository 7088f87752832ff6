import { spawn } from "node:child_process";

export interface OrphanWaker {
  add(pid: number): void;
  close(): void;
}

/** Reads process ids until its input ends, which it does however the writer has ended. */
const SCRIPT = 'while read -r pid; do pids="$pids $pid"; done; kill -CONT $pids';

/**
 * A frozen host does not see that its suite was killed, and would stay for ever. This process of its own
 * wakes all of them then; awake, each ends by itself. Waking one that has ended already does no harm.
 */
export function startOrphanWaker(): OrphanWaker {
  // Detached: what is sent to the suite's process group is not for it.
  const child = spawn("sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  child.stdin.on("error", () => undefined);
  child.unref();
  return {
    add: (pid) => void child.stdin.write(`${pid}\n`),
    close: () => void child.stdin.end(),
  };
}
