import { readFileSync } from "node:fs";
import { type Suite, startSuite } from "../../emulators/suite.ts";

let started: Promise<Suite> | undefined;

/**
 * The one suite of this test process: emulators in memory, on free ports. Systems share it and keep
 * apart by their project ids. It ends with the process.
 */
export function suiteOfProcess(): Promise<Suite> {
  started ??= start();
  return started;
}

async function start(): Promise<Suite> {
  const indexes = JSON.parse(readFileSync("firestore.indexes.json", "utf8"));
  const suite = await startSuite({ project: "unused", dataDir: undefined, indexes });
  // Google's clients look for these in the environment and nowhere else.
  process.env.FIRESTORE_EMULATOR_HOST = suite.env.FIRESTORE_EMULATOR_HOST;
  process.env.PUBSUB_EMULATOR_HOST = suite.env.PUBSUB_EMULATOR_HOST;
  process.env.STORAGE_EMULATOR_HOST = suite.env.STORAGE_EMULATOR_HOST;
  process.env.FIREBASE_AUTH_EMULATOR_HOST = suite.env.FIREBASE_AUTH_EMULATOR_HOST;
  process.env.METADATA_SERVER_DETECTION = "none";
  return suite;
}
