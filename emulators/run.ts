import { USAGE, UsageError } from "./command-line.ts";
import { DataFolderError } from "./data-folder.ts";
import { PortInUseError } from "./ports.ts";

/**
 * npm hands a Ctrl-C on to its child although the terminal has sent it there already: what comes
 * this soon after the first is its echo and no second wish.
 */
const ECHO_MS = 500;

/** Runs a command until Ctrl-C or SIGTERM: `start` opens, what it resolves with closes. */
export async function runUntilStopped(start: () => Promise<() => Promise<void>>): Promise<void> {
  const stopping = Promise.withResolvers<void>();
  let firstAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      stopping.resolve();
    } else if (now - firstAt > ECHO_MS) {
      process.exit(signal === "SIGINT" ? 130 : 143);
    }
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    const stop = await start();
    await stopping.promise;
    await stop();
    process.exit(0);
  } catch (cause) {
    process.stderr.write(`${explain(cause)}\n`);
    process.exit(1);
  }
}

/** What the person can put right is said in a line; for the rest the stack is what helps. */
function explain(cause: unknown): string {
  if (cause instanceof UsageError) return `${cause.message}\n\n${USAGE}`;
  if (cause instanceof PortInUseError || cause instanceof DataFolderError) return cause.message;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
