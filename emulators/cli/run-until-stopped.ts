import { DataFolderError } from "../kernel/data-folder.ts";
import { PortInUseError } from "../kernel/ports.ts";
import { HelpRequest, UsageError } from "./usage.ts";

/**
 * npm passes a Ctrl-C on to its child although the terminal has sent it there already. A signal that
 * comes this soon after the first is that echo; the person has not pressed a second time.
 */
const ECHO_MS = 500;

/**
 * Runs a command until Ctrl-C or SIGTERM: `start` opens, and the function that it resolves with closes. Exits
 * with 0 after that and after `--help`, with 2 for a command line that can't be understood, with 1 for every
 * other failure.
 */
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
    if (cause instanceof HelpRequest) {
      process.stdout.write(`${cause.message}\n`);
      process.exit(0);
    }
    process.stderr.write(`${explain(cause)}\n`);
    process.exit(cause instanceof UsageError ? 2 : 1);
  }
}

/** A failure that the person can correct is one line; every other failure prints its stack. */
function explain(cause: unknown): string {
  if (cause instanceof UsageError) return `${cause.message} See --help.`;
  if (cause instanceof PortInUseError || cause instanceof DataFolderError) return cause.message;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
