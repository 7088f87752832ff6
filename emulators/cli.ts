import { parseCommandLine, readConfig } from "./command-line.ts";
import type { IndexFile } from "./firestore/server.ts";
import { runUntilStopped } from "./run.ts";
import { trustedKeyFile } from "./storage/server.ts";
import { startSuite } from "./suite.ts";

/** `npm run emulators`: emulators alone, for programs of one's own and for tests elsewhere. */
await runUntilStopped(async () => {
  const options = parseCommandLine(process.argv.slice(2));
  const suite = await startSuite({ ...options, indexes: readConfig("firestore.indexes.json") as IndexFile });
  // Programs outside sign URLs with the suite's key or, unchanged, with the one they have.
  const keyFile = process.env["GOOGLE_APPLICATION_CREDENTIALS"];
  const account = keyFile === undefined || suite.signer === undefined ? undefined : trustedKeyFile(keyFile);
  if (account !== undefined) suite.storage.trust(account);
  const signer = suite.signer === undefined ? {} : { STORAGE_SIGNER: JSON.stringify(suite.signer) };
  const variables = Object.entries({ ...suite.env, ...signer }).map(
    ([name, value]) => `export ${name}='${value}'`,
  );
  process.stdout.write(`${variables.join("\n")}\n`);
  return () => suite.stop();
});
