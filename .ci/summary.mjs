// `node .ci/summary.mjs FOLDER STEP…`: says once more, at the end, what failed, so that a log that is cut off
// still shows it. The folder has vitest's report of each step that tests (`{step}.json`) and the output of
// every step (`{step}.log`); the arguments after it name the steps that failed. Any Node from 20 on runs it.
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** Steps that have to leave a report: without one nobody knows what they would have found. */
const TESTING = ["check", "full"];
const ERROR_LINES_MAX = 8;

const [folder = ".", ...failedSteps] = process.argv.slice(2);
let passed = 0;
let failed = 0;

for (const step of TESTING) {
  const path = join(folder, `${step}.json`);
  if (!existsSync(path)) {
    failed += 1;
    console.log(`\n${step}: there is no report of its tests.`);
    continue;
  }
  const report = JSON.parse(readFileSync(path, "utf8"));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  for (const file of report.testResults) {
    const name = relative(process.cwd(), file.name);
    const failures = file.assertionResults.filter(({ status }) => status === "failed");
    for (const { fullName, failureMessages } of failures)
      tell(step, `${name} › ${fullName}`, failureMessages);
    // A file that can't be loaded has no tests, and a hook that fails leaves them skipped.
    const skippedByFailure = file.status === "failed" && failures.length === 0;
    if (!skippedByFailure && !file.message) continue;
    failed += 1;
    tell(step, name, [file.message || "What is done before or after its tests failed."]);
  }
}

for (const step of failedSteps) {
  console.log(`\nThe step "${step}" failed.`);
  const log = join(folder, `${step}.log`);
  const parts = existsSync(log) ? readFileSync(log, "utf8").match(/^failed: .*$/gm) : null;
  for (const part of parts ?? []) console.log(`  ${part}`);
}
failed = Math.max(failed, failedSteps.length);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function tell(step, name, messages) {
  console.log(`\n${step}: ${name}`);
  // Where in vitest it was thrown helps nobody.
  const isTold = (line) => line.trim() !== "" && !/^\s+at .*node_modules|^\s+at new Promise/.test(line);
  const lines = messages.flatMap((message) => message.split("\n").filter(isTold));
  for (const line of lines.slice(0, ERROR_LINES_MAX)) console.log(`  ${line}`);
}
