import { existsSync } from "node:fs";
import { runUntilStopped } from "../cli/run-until-stopped.ts";
import { parseCommandLine } from "./command-line.ts";
import { ownModels } from "./functions-env.ts";
import { startLocalSystem } from "./local-system.ts";
import { printOutput, printSummary } from "./print.ts";

/** `npm start`: the whole system on this machine. */
await runUntilStopped(async () => {
  const startedAt = performance.now();
  const options = parseCommandLine(process.argv.slice(2));
  if (options.envFile !== undefined && existsSync(options.envFile)) process.loadEnvFile(options.envFile);
  const models = ownModels(process.env);
  const output = printOutput(process.stdout, process.stderr);
  const system = await startLocalSystem({ ...options, models, output });
  printSummary(process.stdout, system, {
    dataDir: options.dataDir,
    models,
    startedMs: performance.now() - startedAt,
  });
  return async () => {
    process.stdout.write("\n  Stopping …\n");
    await system.stop();
  };
});
