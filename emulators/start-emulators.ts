import { parseCommandLine, readConfig } from "./command-line.ts";
import type { IndexFile } from "./firestore/server.ts";
import { runUntilStopped } from "./run.ts";
import { startSuite } from "./suite.ts";

/** `npm run emulators`: emulators alone, for programs of one's own and for tests elsewhere. */
await runUntilStopped(async () => {
  const options = parseCommandLine(process.argv.slice(2));
  const suite = await startSuite({ ...options, indexes: readConfig("firestore.indexes.json") as IndexFile });
  const variables = Object.entries(suite.env).map(([name, value]) => `export ${name}='${value}'`);
  process.stdout.write(`${variables.join("\n")}\n`);
  return () => suite.stop();
});
