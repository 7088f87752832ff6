// What vitest's reports in JSON tell, for those who read them. Any Node from 20 on runs it.

/** The steps that have to leave a report, and how vitest is configured in each. */
export const CONFIGS = {
  check: "vitest.config.ts",
  full: "vitest.full.config.ts",
  "full-cloud": "vitest.cloud.config.ts",
};

/** A file that can't be loaded has no tests, and a hook that fails leaves them skipped. */
export const failuresOf = ({ assertionResults }) =>
  assertionResults.filter(({ status }) => status === "failed");
export const isBroken = (file) =>
  Boolean(file.message) || (file.status === "failed" && failuresOf(file).length === 0);

/** The paths of the files in which anything failed. */
export const failedFiles = ({ testResults }) =>
  testResults.filter((file) => isBroken(file) || failuresOf(file).length > 0).map(({ name }) => name);

/** Whether all of a file passes in this report. */
export const passesIn = (report, name) => {
  const file = report?.testResults.find((each) => each.name === name);
  return file !== undefined && file.status === "passed" && file.assertionResults.length > 0;
};
