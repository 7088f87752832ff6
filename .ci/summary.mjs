// `node .ci/summary.mjs FOLDER STEP…`: says once more, at the end, what failed, so that a log that is cut off
// still shows it. The folder has vitest's report of each step that tests (`{step}.json`), of what was run
// again (`{step}-again.json`) and the output of every step (`{step}.log`); the arguments after it name the
// steps that failed. Any Node from 20 on runs it.
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { CONFIGS, failuresOf, isBroken, passesIn } from "./reports.mjs";

const ERROR_LINES_MAX = 8;
/** How the steps name the parts that are vitest's. */
const IS_TESTING = /^failed: (npm test|vitest run)\b/;

const [folder = ".", ...failedSteps] = process.argv.slice(2);
let passed = 0;
let failed = 0;
let passedAgain = 0;

for (const step of Object.keys(CONFIGS)) {
  const report = read(`${step}.json`);
  if (report === undefined) {
    failed += 1;
    console.log(`\n${step}: there is no report of its tests.`);
    continue;
  }
  const again = read(`${step}-again.json`);
  passed += report.numPassedTests;
  for (const file of report.testResults) {
    const failures = failuresOf(file);
    const found = failures.map(({ fullName, failureMessages }) => [` › ${fullName}`, failureMessages]);
    if (isBroken(file)) {
      found.push(["", [file.message || "What is done before or after its tests failed."]]);
    }
    const isMended = passesIn(again, file.name);
    if (isMended) {
      passed += failures.length;
      passedAgain += found.length;
    } else failed += found.length;
    for (const [what, messages] of found) {
      tell(`${step}: ${relative("", file.name)}${what}`, messages);
      if (isMended) console.log("  It passed when its file was run again.");
    }
  }
}

// A step whose tests have passed the second time has failed no more, unless something else of it did.
const failedParts = failedSteps.flatMap((step) => {
  const log = join(folder, `${step}.log`);
  const parts = existsSync(log) ? (readFileSync(log, "utf8").match(/^failed: .*$/gm) ?? []) : [];
  const left = failed === 0 && passedAgain > 0 ? parts.filter((part) => !IS_TESTING.test(part)) : parts;
  return parts.length > 0 && left.length === 0 ? [] : [{ step, left }];
});
for (const { step, left } of failedParts) {
  console.log(`\nThe step "${step}" failed.`);
  for (const part of left) console.log(`  ${part}`);
}
failed = Math.max(failed, failedParts.length);
if (passedAgain > 0) console.log(`\n${passedAgain} passed only when run again; they are named above.`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function read(name) {
  const path = join(folder, name);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

function tell(what, messages) {
  console.log(`\n${what}`);
  // Where in vitest it was thrown helps nobody.
  const isTold = (line) => line.trim() !== "" && !/^\s+at .*node_modules|^\s+at new Promise/.test(line);
  const lines = messages.flatMap((message) => message.split("\n").filter(isTold));
  for (const line of lines.slice(0, ERROR_LINES_MAX)) console.log(`  ${line}`);
}
