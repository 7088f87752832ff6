import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

/** What `.ci/run` says at its end, of the reports that its steps have left. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reports-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

type Outcome = "passed" | "failed";
const fileOf = (name: string, outcomes: readonly Outcome[], message = "") => ({
  name: join(process.cwd(), name),
  status: outcomes.includes("failed") || message !== "" ? "failed" : "passed",
  message,
  assertionResults: outcomes.map((status, index) => ({
    status,
    fullName: `test ${index}`,
    failureMessages: status === "failed" ? ["expected 1 to be 2\n    at line 7"] : [],
  })),
});

function report(step: string, ...files: readonly ReturnType<typeof fileOf>[]): void {
  const all = files.flatMap(({ assertionResults }) => assertionResults);
  const count = (wanted: Outcome) => all.filter(({ status }) => status === wanted).length;
  const counts = { numPassedTests: count("passed"), numFailedTests: count("failed") };
  writeFileSync(join(folder, `${step}.json`), JSON.stringify({ ...counts, testResults: files }));
}
const log = (step: string, text: string): void => writeFileSync(join(folder, `${step}.log`), text);

function summary(...failedSteps: readonly string[]): { status: number | null; text: string; last: string } {
  const { status, stdout } = spawnSync("node", [".ci/summary.mjs", folder, ...failedSteps], {
    encoding: "utf8",
  });
  return { status, text: stdout, last: stdout.trim().split("\n").at(-1) ?? "" };
}

const GOOD = fileOf("good.test.ts", ["passed", "passed"]);
const BAD = fileOf("bad.test.ts", ["passed", "failed"]);

function leaveReports(check = GOOD): void {
  report("check", check);
  report("full", GOOD);
  report("full-cloud", GOOD);
}

test("all is well where every test has passed", () => {
  leaveReports();
  expect(summary()).toMatchObject({ status: 0, last: "6 passed, 0 failed" });
});

test("what failed is named, and fails the run", () => {
  leaveReports(BAD);
  log("check", "failed: npm test --\n");
  const { status, text, last } = summary("check");
  expect([status, last]).toEqual([1, "5 passed, 1 failed"]);
  expect(text).toContain("check: bad.test.ts › test 1\n  expected 1 to be 2");
});

test("what passed only the second time is named, and fails nothing", () => {
  leaveReports(BAD);
  log("check", "failed: npm test --\n");
  report("check-again", fileOf("bad.test.ts", ["passed", "passed"]));
  const { status, text, last } = summary("check");
  expect([status, last]).toEqual([0, "6 passed, 0 failed"]);
  expect(text).toContain("1 passed only when run again");
  expect(text).toContain("bad.test.ts › test 1");
});

test("what failed twice has failed, and so has what was not run again", () => {
  leaveReports(BAD);
  report("full", fileOf("worse.test.ts", ["failed"]));
  report("check-again", BAD);
  expect(summary("check", "full")).toMatchObject({ status: 1, last: "3 passed, 2 failed" });
});

test("another part of a step fails the run, whatever its tests did the second time", () => {
  leaveReports(BAD);
  log("check", "failed: oxlint\nfailed: npm test --\n");
  report("check-again", fileOf("bad.test.ts", ["passed", "passed"]));
  const { status, text, last } = summary("check");
  expect([status, last]).toEqual([1, "6 passed, 1 failed"]);
  expect(text).toContain("failed: oxlint");
  log("build", "");
  expect(summary("build").status).toBe(1);
});

test("a file that can't be loaded and a step without a report have failed", () => {
  leaveReports(fileOf("broken.test.ts", [], "Cannot find module"));
  expect(summary("check")).toMatchObject({ status: 1, last: "4 passed, 1 failed" });
  rmSync(join(folder, "full-cloud.json"));
  expect(summary("check").last).toBe("2 passed, 2 failed");
});
