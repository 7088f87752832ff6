import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { defaultPorts } from "../ports.ts";
import { parseCommandLine, USAGE } from "./command-line.ts";
import { HelpRequest, UsageError } from "./usage.ts";

const folder = mkdtempSync(join(tmpdir(), "command-line-"));
afterAll(() => rmSync(folder, { recursive: true }));

const parse = (...args: string[]) => parseCommandLine(args, folder);

test("without flags and files, everything has its default", () => {
  expect(parse()).toEqual({
    project: "demo-local",
    ports: defaultPorts(),
    dataDir: join(folder, ".emulators"),
    fresh: false,
    physics: false,
    only: undefined,
    indexes: undefined,
  });
});

test("--help asks for the usage, whatever stands beside it", () => {
  expect(() => parse("--help", "--fresh")).toThrow(new HelpRequest(USAGE));
});

test.each([
  [["--prot-base"], "Unknown option '--prot-base'."],
  [["firestore"], "Unexpected argument 'firestore'."],
  [["--data"], "Option '--data <value>' argument missing."],
  [["--project", "No"], "--project needs a Google Cloud project id."],
  [["--port-base", "65530"], "--port-base needs a number from 1 to 65526."],
])("%j is a mistake that is said in one line", (args, message) => {
  expect(() => parse(...args)).toThrow(new UsageError(message));
});

test("--only takes names of emulators and says which there are", () => {
  expect(parse("--only", "firestore, pubsub").only).toEqual(["firestore", "pubsub"]);
  expect(() => parse("--only", "bigquery")).toThrow(/^--only knows auth, .*, not "bigquery"\.$/);
});

test("the files of the folder give ports and indexes, and must be what they should be", () => {
  const emulators = { firestore: { port: 7001 }, ui: { port: 7002 } };
  writeFileSync(join(folder, "firebase.json"), JSON.stringify({ emulators }));
  writeFileSync(join(folder, "firestore.indexes.json"), JSON.stringify({ indexes: [] }));
  expect(parse()).toMatchObject({
    ports: { ...defaultPorts(), firestore: 7001 },
    indexes: { indexes: [] },
  });
  writeFileSync(join(folder, "firebase.json"), JSON.stringify({ emulators: { tasks: { port: "x" } } }));
  expect(() => parse()).toThrow(
    new UsageError("firebase.json has a port that is no number from 0 to 65535."),
  );
  writeFileSync(join(folder, "firebase.json"), "{");
  expect(() => parse()).toThrow(/^firebase\.json is not JSON: /);
});
