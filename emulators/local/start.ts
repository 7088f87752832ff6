import { runUntilStopped } from "../cli/run-until-stopped.ts";
import { parseCommandLine } from "./command-line.ts";
import { startLocalSystem } from "./local-system.ts";
import { printOutput, printSummary } from "./print.ts";

/** `npm start`: the whole system on this machine. */
await runUntilStopped(async () => {
  const startedAt = performance.now();
  const options = parseCommandLine(process.argv.slice(2));
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
