import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startSuite } from "../suite.ts";
import { functionsEnv } from "./functions-env.ts";
import { KEEPSAKES_FILE, openKeepsakes } from "./keepsakes.ts";
import { anyPorts, portsFrom, portsOfConfig } from "./ports.ts";

const folder = mkdtempSync(join(tmpdir(), "keepsakes-"));
afterAll(() => rmSync(folder, { recursive: true }));

const project = "demo-suite";

test("the functions get the variables of the suite and their own", async () => {
  const suite = await startSuite({ project, dataDir: undefined });
  const keepsakes = openKeepsakes(undefined);
  const place = { region: "r", functionsUrl: "f", publicUrl: "p" };
  expect(functionsEnv(suite, keepsakes, place)).toMatchObject({
    ...suite.env,
    INVOKER_EMAIL: "invoker@demo-suite.iam.gserviceaccount.com",
    OPERATOR_KEY: keepsakes.operatorKey,
    REGION: "r",
    FUNCTIONS_URL: "f/{function}",
    PUBLIC_URL: "p",
  });
  await suite.stop();
});

test("secrets stay between starts, and a fresh start draws new ones", async () => {
  const options = { project, dataDir: folder, only: ["kms"], files: [KEEPSAKES_FILE] } as const;
  const first = await startSuite(options);
  const kept = openKeepsakes(first.folder.file(KEEPSAKES_FILE));
  kept.keepAppToken(project, "demo", "token");
  await first.stop();

  const second = await startSuite(options);
  const again = openKeepsakes(second.folder.file(KEEPSAKES_FILE));
  expect([again.secret, again.operatorKey]).toEqual([kept.secret, kept.operatorKey]);
  expect(again.appToken(project, "demo")).toBe("token");
  await second.stop();

  const fresh = await startSuite({ ...options, fresh: true });
  const path = fresh.folder.file(KEEPSAKES_FILE);
  expect(openKeepsakes(path).secret).not.toBe(kept.secret);
  await fresh.stop();
  writeFileSync(path ?? "", "{");
  expect(() => openKeepsakes(path)).toThrow(/keepsakes\.json can't be read/);
});

test("the ports are those of firebase.json, or consecutive from a base", () => {
  const emulators = Object.fromEntries(
    Object.keys(anyPorts()).map((name, index) => [name, { port: index + 10 }]),
  );
  expect(portsOfConfig({ emulators })).toMatchObject({ hosting: 10, ui: 11, functions: 19 });
  expect(portsFrom(6000)).toMatchObject({ hosting: 6000, ui: 6001, auth: 6002, functions: 6009 });
  expect(() => portsFrom(65_530)).toThrow(/--port-base/);
});
