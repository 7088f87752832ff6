import { parseCommandLine, UsageError } from "../command-line.ts";
import { startLocalSystem } from "./local-system.ts";
import { printOutput, printSummary } from "./print.ts";
import { runUntilStopped } from "../run.ts";

/** `npm start`: the whole system on this machine. */
await runUntilStopped(async () => {
  const startedAt = performance.now();
  const options = parseCommandLine(process.argv.slice(2));
  if (options.only !== undefined) throw new UsageError("--only belongs to npm run emulators.");
  const system = await startLocalSystem({ ...options, output: printOutput(process.stdout, process.stderr) });
  printSummary(process.stdout, system, {
    dataDir: options.dataDir,
    startedMs: performance.now() - startedAt,
  });
  return async () => {
    process.stdout.write("\n  Stopping …\n");
    await system.stop();
  };
});
