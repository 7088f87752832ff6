#!/usr/bin/env node
import type { IndexFile } from "../firestore/server.ts";
import { trustedKeyFile } from "../storage/server.ts";
import { startSuite } from "../suite.ts";
import { parseCommandLine } from "./command-line.ts";
import { runUntilStopped } from "./run-until-stopped.ts";

/** The command: starts emulators for other programs and prints their variables. */
await runUntilStopped(async () => {
  const { indexes, ...options } = parseCommandLine(process.argv.slice(2), process.cwd());
  const suite = await startSuite({ ...options, indexes: indexes as IndexFile | undefined });
  // Programs sign URLs with the suite's key, or with the key file that they already use.
  const keyFile = process.env["GOOGLE_APPLICATION_CREDENTIALS"];
  const account = keyFile === undefined || !("storage" in suite) ? undefined : trustedKeyFile(keyFile);
  if (account !== undefined) suite.storage.trust(account);
  const variables = Object.entries(suite.env).map(([name, value]) => `export ${name}='${value}'`);
  process.stdout.write(`${variables.join("\n")}\n`);
  return () => suite.stop();
});
